//! Properties of generated expressions: canonical text means the same, and both readings agree.

use evenkeel_rules::{EXPRESSION_BYTES_MAX, Expression};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::generated::{facts, truth};
use crate::printing::write;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_parses_to_the_same(truth in truth(), style in vec(any::<u8>(), 0..64)) {
        let plain = write(&truth, &[]);
        let styled = write(&truth, &style);
        prop_assume!(plain.len() <= EXPRESSION_BYTES_MAX && styled.len() <= EXPRESSION_BYTES_MAX);

        let expression = Expression::parse(&plain).map_err(|e| fail(&plain, &e))?;
        let canonical = expression.to_string();
        prop_assume!(canonical.len() <= EXPRESSION_BYTES_MAX);
        let again = Expression::parse(&canonical).map_err(|e| fail(&canonical, &e))?;
        prop_assert_eq!(&again, &expression);
        prop_assert_eq!(again.to_string(), canonical);

        // However it was spelt, it is the same expression.
        let styled_expression = Expression::parse(&styled).map_err(|e| fail(&styled, &e))?;
        prop_assert_eq!(styled_expression, expression);
    }

    #[test]
    fn both_readings_agree(
        truth in truth(),
        style in vec(any::<u8>(), 0..64),
        facts in vec(facts(), 1..8),
    ) {
        let text = write(&truth, &style);
        prop_assume!(text.len() <= EXPRESSION_BYTES_MAX);
        let expression = Expression::parse(&text).map_err(|e| fail(&text, &e))?;
        let canonical = Expression::parse(&expression.to_string());
        for facts in facts {
            let expected = truth.holds(&facts);
            prop_assert_eq!(expression.matches(&facts), expected, "{}\n{:?}", text, facts);
            if let Ok(canonical) = &canonical {
                prop_assert_eq!(canonical.matches(&facts), expected, "{}\n{:?}", canonical, facts);
            }
        }
    }

    #[test]
    fn any_text_is_an_expression_or_an_error_within_it(
        text in "([a-z.]{1,8}|[ (){}\\[\\]\"\\\\*,!&|^=<>~#]|[0-9]{1,3}|not |and |http.host|any\\(|\\[\\*\\]| eq |\\PC){0,24}"
    ) {
        match Expression::parse(&text) {
            Ok(expression) => {
                let again = Expression::parse(&expression.to_string());
                prop_assert_eq!(again.as_ref(), Ok(&expression));
            }
            Err(error) => {
                prop_assert!(text.is_char_boundary(error.at), "{}", error);
                prop_assert!(!error.message.is_empty() && !error.message.contains('\n'));
            }
        }
    }
}

fn fail(text: &str, error: &evenkeel_rules::ParseError) -> TestCaseError {
    TestCaseError::fail(format!("{text}\n{error}"))
}
