//! From text to syntax: recursive descent over `winnow`'s stream, one function per rule.
//!
//! ```text
//! expression = xor { ("or" | "||") xor }        xor  = and { ("xor" | "^^") and }
//! and        = unary { ("and" | "&&") unary }   unary = ("not" | "!") unary | "(" expression ")"
//!                                                     | "true" | "false" | comparison
//! comparison = operand [ operator constant | "in" "{" { item } "}" ]
//! operand    = ( field | function "(" [ argument { "," argument } ] ")" ) { "[" index "]" }
//! argument   = constant | expression
//! ```
//!
//! Nesting is bounded by [`NESTING_MAX`], and with it the stack that parsing, checking, evaluating
//! and dropping take. Types are [`crate::check`]'s business.

mod lexical;
mod literal;
mod nearest;

use alloc::boxed::Box;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use winnow::stream::{LocatingSlice, Stateful};

use self::lexical::{at_end, fail, peek_char, peek_word, position, space, take, take_word};
use crate::error::ParseError;
use crate::field::Field;
use crate::function::FunctionName;
use crate::syntax::{
    Argument, ArgumentValue, At, Base, Comparison, Expr, Index, Logic, Operand, Order, Test,
};

/// Depth of parentheses, negations and calls within each other. Written by hand it stays below ten;
/// at this depth even an unoptimised build stays below half of a thread's usual stack.
pub(crate) const NESTING_MAX: usize = 48;

/// The text with the position in it, and the depth there.
type Input<'t> = Stateful<LocatingSlice<&'t str>, usize>;
type Parsed<T> = Result<T, ParseError>;

/// Parses a text. `None` is a blank one.
pub(crate) fn parse(text: &str) -> Parsed<Option<Expr>> {
    let input = &mut Input { input: LocatingSlice::new(text), state: 0 };
    space(input)?;
    if at_end(input) {
        return Ok(None);
    }
    let expr = expression(input)?;
    if at_end(input) {
        return Ok(Some(expr));
    }
    Err(after_operand(input))
}

/// An expression and the blanks around it.
fn expression(input: &mut Input<'_>) -> Parsed<Expr> {
    logic(input, Logic::Or)
}

/// Items joined by `op`, each of which binds tighter.
fn logic(input: &mut Input<'_>, op: Logic) -> Parsed<Expr> {
    let mut items = vec![];
    loop {
        items.push(match op {
            Logic::Or => logic(input, Logic::Xor)?,
            Logic::Xor => logic(input, Logic::And)?,
            Logic::And => unary(input)?,
        });
        let (word, symbol) = match op {
            Logic::Or => ("or", "||"),
            Logic::Xor => ("xor", "^^"),
            Logic::And => ("and", "&&"),
        };
        if !take_word(input, word)? && !take(input, symbol)? {
            return Ok(Expr::join(op, items));
        }
    }
}

/// A negation, a parenthesis, a constant or a comparison, and the blanks around it.
fn unary(input: &mut Input<'_>) -> Parsed<Expr> {
    space(input)?;
    let at = position(input);
    let expr = if take(input, "(")? {
        let expr = nested(input, at, expression)?;
        if !take(input, ")")? {
            return Err(fail(input, &format!("expected `)` for the `(` at byte {at}")));
        }
        expr
    } else if take_word(input, "not")? || take(input, "!")? {
        Expr::Not(Box::new(nested(input, at, unary)?))
    } else if take_word(input, "true")? {
        Expr::Constant(true)
    } else if take_word(input, "false")? {
        Expr::Constant(false)
    } else {
        comparison(input)?
    };
    space(input)?;
    Ok(expr)
}

/// One level further down.
fn nested<'t, T>(
    input: &mut Input<'t>,
    at: usize,
    parser: impl FnOnce(&mut Input<'t>) -> Parsed<T>,
) -> Parsed<T> {
    if input.state == NESTING_MAX {
        let message = format!("nested too deep: at most {NESTING_MAX} levels");
        return Err(ParseError::new(at, message));
    }
    input.state += 1;
    let parsed = parser(input);
    input.state -= 1;
    parsed
}

/// An operand, by itself or held against constants.
fn comparison(input: &mut Input<'_>) -> Parsed<Expr> {
    let subject = operand(input)?;
    space(input)?;
    let at = At(position(input));
    let Some(test) = test(input)? else {
        return Ok(Expr::Bare(subject));
    };
    Ok(Expr::Comparison(Box::new(Comparison { subject, at, test })))
}

/// An operator and its constants, if one follows.
fn test(input: &mut Input<'_>) -> Parsed<Option<Test>> {
    const ORDERS: [(&str, Order); 12] = [
        ("==", Order::Eq),
        ("!=", Order::Ne),
        ("<=", Order::Le),
        (">=", Order::Ge),
        ("<", Order::Lt),
        (">", Order::Gt),
        ("eq", Order::Eq),
        ("ne", Order::Ne),
        ("le", Order::Le),
        ("ge", Order::Ge),
        ("lt", Order::Lt),
        ("gt", Order::Gt),
    ];
    for (sign, order) in ORDERS {
        if take_sign(input, sign)? {
            return literal::one(input).map(|literal| Some(Test::Order(order, literal)));
        }
    }
    if take_word(input, "contains")? {
        return literal::one(input).map(|literal| Some(Test::Contains(literal)));
    }
    if take_word(input, "matches")? || take(input, "~")? {
        space(input)?;
        let at = At(position(input));
        return literal::pattern(input).map(|pattern| Some(Test::Matches { at, pattern }));
    }
    if take_word(input, "in")? {
        return literal::list(input).map(|items| Some(Test::In(items)));
    }
    let strict = take_word(input, "strict")?;
    if strict {
        space(input)?;
    }
    if take_word(input, "wildcard")? {
        let pattern = literal::one(input)?;
        return Ok(Some(Test::Wildcard { strict, pattern }));
    }
    if strict {
        return Err(fail(input, "expected `wildcard` after `strict`"));
    }
    let ends = at_end(input)
        || matches!(peek_char(input), Some(')' | ','))
        || ["&&", "||", "^^"].iter().any(|sign| input.starts_with(sign))
        || matches!(peek_word(input), "and" | "or" | "xor");
    if ends { Ok(None) } else { Err(after_operand(input)) }
}

/// A word or a symbol.
fn take_sign(input: &mut Input<'_>, sign: &str) -> Parsed<bool> {
    if sign.starts_with(|first: char| first.is_ascii_lowercase()) {
        take_word(input, sign)
    } else {
        take(input, sign)
    }
}

/// What is wrong with what follows a complete operand.
fn after_operand(input: &Input<'_>) -> ParseError {
    let word = peek_word(input);
    if let Some(error) = miswritten(input, word) {
        return error;
    }
    if FunctionName::named(word).is_some() {
        return fail(input, &format!("`{word}` is a function, write `{word}(…)`"));
    }
    if peek_char(input) == Some('=') {
        return fail(input, "expected `==` or `eq`");
    }
    fail(input, "expected an operator or the end")
}

/// The word of the language that a word is in some case.
fn keyword(word: &str) -> Option<&'static str> {
    const WORDS: [&str; 17] = [
        "and", "contains", "eq", "false", "ge", "gt", "in", "le", "lt", "matches", "ne", "not",
        "or", "strict", "true", "wildcard", "xor",
    ];
    WORDS.into_iter().find(|known| known.eq_ignore_ascii_case(word))
}

/// A word of the language in upper case.
fn miswritten(input: &Input<'_>, word: &str) -> Option<ParseError> {
    let known = keyword(word).filter(|known| *known != word)?;
    Some(fail(input, &format!("operators and constants are lower-case, expected `{known}`")))
}

/// A field or a call, and the indexes behind it.
fn operand(input: &mut Input<'_>) -> Parsed<Operand> {
    let start = position(input);
    let name = peek_word(input);
    if let Some(error) = miswritten(input, name) {
        return Err(error);
    }
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic());
    if !is_name || keyword(name).is_some() {
        return Err(fail(input, "expected a field, a function, `not` or `(`"));
    }
    take(input, name)?;
    let base = base(input, start, name)?;
    let mut indexes = Vec::new();
    while peek_char(input) == Some('[') {
        let at = At(position(input));
        take(input, "[")?;
        indexes.push((at, index(input)?));
    }
    Ok(Operand { at: At(start), base, indexes })
}

/// The field of a name, or the call of a function and its arguments.
fn base(input: &mut Input<'_>, start: usize, name: &str) -> Parsed<Base> {
    let function = FunctionName::named(name);
    if input.trim_start_matches(lexical::BLANKS).starts_with('(') {
        let Some(function) = function else {
            let nearest = nearest::to(name, FunctionName::all());
            return Err(unknown(start, "function", name, nearest));
        };
        space(input)?;
        take(input, "(")?;
        return Ok(Base::Call(function, nested(input, start, arguments)?));
    }
    if let Some(field) = Field::named(name) {
        return Ok(Base::Field(field));
    }
    if function.is_some() {
        return Err(fail(input, &format!("`{name}` is a function, expected `(`")));
    }
    let nearest = nearest::to(name, Field::all().map(|(name, _)| name));
    Err(unknown(start, "field", name, nearest))
}

/// A name that there is none of.
fn unknown(at: usize, what: &str, name: &str, nearest: Option<&str>) -> ParseError {
    let name = lexical::shortened(name);
    let mut message = format!("unknown {what} `{name}`");
    if let Some(nearest) = nearest {
        message += &format!(", did you mean `{nearest}`?");
    }
    ParseError::new(at, message)
}

/// What stands behind the opening bracket, and the closing one.
fn index(input: &mut Input<'_>) -> Parsed<Index> {
    space(input)?;
    let index = if take(input, "*")? {
        Index::Each
    } else if literal::is_string(input) {
        Index::Key(literal::string(input)?)
    } else if peek_char(input).is_some_and(|char| char.is_ascii_digit()) {
        Index::Nth(literal::index(input)?)
    } else {
        return Err(fail(input, "expected an index: a number, a string or `*`"));
    };
    space(input)?;
    if take(input, "]")? { Ok(index) } else { Err(fail(input, "expected `]`")) }
}

/// Arguments behind the opening parenthesis, and the closing one.
fn arguments(input: &mut Input<'_>) -> Parsed<Vec<Argument>> {
    let mut arguments = Vec::new();
    space(input)?;
    if take(input, ")")? {
        return Ok(arguments);
    }
    loop {
        space(input)?;
        let at = At(position(input));
        let value = if literal::is_next(input) {
            ArgumentValue::Literal(literal::constant(input)?)
        } else {
            ArgumentValue::Expr(expression(input)?)
        };
        arguments.push(Argument { at, value });
        space(input)?;
        if take(input, ")")? {
            return Ok(arguments);
        }
        if !take(input, ",")? {
            return Err(fail(input, "expected `,` or `)`"));
        }
    }
}
