//! Functions and their arguments.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::slice::Iter;

use super::{Checked, Truth, Typed, operand, truth};
use crate::error::ParseError;
use crate::eval::{
    Function, JsonKey, JsonKind, List, Pattern, Quantifier, Replacement, Source, Test,
};
use crate::function::FunctionName;
use crate::kind::Kind;
use crate::syntax::{Argument, ArgumentValue, Constant, Expr};

/// Compiles a call.
pub(super) fn compile(at: usize, name: FunctionName, arguments: &[Argument]) -> Checked<Typed> {
    let (least, most) = arity(name);
    if !(least..=most).contains(&arguments.len()) {
        let takes = match (least, most) {
            (1, 1) => "1 argument".to_string(),
            (least, most) if least == most => format!("{least} arguments"),
            (least, usize::MAX) => format!("at least {least} arguments"),
            (least, most) => format!("{least} to {most} arguments"),
        };
        let message = format!("`{}` takes {takes}, found {}", name.name(), arguments.len());
        return Err(ParseError::new(at, message));
    }
    let mut call = Call { name, arguments: arguments.iter(), position: 0 };
    match name {
        FunctionName::Any => call.quantified(Quantifier::Any),
        FunctionName::All => call.quantified(Quantifier::All),
        FunctionName::Len => call.len(),
        FunctionName::Concat => call.concat(),
        FunctionName::Lower => call.mapped(&[Kind::Text], Kind::Text, |_| Ok(Function::Lower)),
        FunctionName::Upper => call.mapped(&[Kind::Text], Kind::Text, |_| Ok(Function::Upper)),
        FunctionName::ToString => {
            let kinds = [Kind::Integer, Kind::Boolean, Kind::Ip];
            call.mapped(&kinds, Kind::Text, |_| Ok(Function::ToString))
        }
        FunctionName::StartsWith => call.mapped(&[Kind::Text], Kind::Boolean, |call| {
            call.one(&[Kind::Text]).map(Function::StartsWith)
        }),
        FunctionName::EndsWith => call.mapped(&[Kind::Text], Kind::Boolean, |call| {
            call.one(&[Kind::Text]).map(Function::EndsWith)
        }),
        FunctionName::RemoveBytes => call.mapped(&[Kind::Text], Kind::Text, |call| {
            call.one(&[Kind::Text]).map(Function::RemoveBytes)
        }),
        FunctionName::Substring => call.mapped(&[Kind::Text], Kind::Text, |call| {
            let start = call.one(&[Kind::Integer])?;
            let end = if call.has_more() { Some(call.one(&[Kind::Integer])?) } else { None };
            Ok(Function::Substring(start, end))
        }),
        FunctionName::UrlDecode => call.mapped(&[Kind::Text], Kind::Text, Call::url_decode),
        FunctionName::LookupJsonString => call.mapped(&[Kind::Text], Kind::Text, |call| {
            call.path().map(|path| Function::LookupJson(JsonKind::String, path))
        }),
        FunctionName::LookupJsonInteger => call.mapped(&[Kind::Text], Kind::Integer, |call| {
            call.path().map(|path| Function::LookupJson(JsonKind::Integer, path))
        }),
        FunctionName::RegexReplace => call.mapped(&[Kind::Text], Kind::Text, Call::regex_replace),
        FunctionName::Cidr => call.mapped(&[Kind::Ip], Kind::Ip, |call| {
            Ok(Function::Cidr(call.bits(32)?, call.bits(128)?))
        }),
        FunctionName::Cidr6 => {
            call.mapped(&[Kind::Ip], Kind::Ip, |call| Ok(Function::Cidr(32, call.bits(128)?)))
        }
    }
}

/// Fewest and most arguments.
const fn arity(name: FunctionName) -> (usize, usize) {
    match name {
        FunctionName::All
        | FunctionName::Any
        | FunctionName::Len
        | FunctionName::Lower
        | FunctionName::ToString
        | FunctionName::Upper => (1, 1),
        FunctionName::UrlDecode => (1, 2),
        FunctionName::Cidr6
        | FunctionName::EndsWith
        | FunctionName::RemoveBytes
        | FunctionName::StartsWith => (2, 2),
        FunctionName::Substring => (2, 3),
        FunctionName::Cidr | FunctionName::RegexReplace => (3, 3),
        FunctionName::Concat | FunctionName::LookupJsonInteger | FunctionName::LookupJsonString => {
            (2, usize::MAX)
        }
    }
}

/// The arguments that are still to be looked at. Their number has been checked.
struct Call<'e> {
    name: FunctionName,
    arguments: Iter<'e, Argument>,
    /// Of the argument looked at last, from 1.
    position: usize,
}

impl<'e> Call<'e> {
    fn has_more(&self) -> bool {
        self.arguments.len() > 0
    }

    fn next(&mut self) -> Checked<&'e Argument> {
        self.position += 1;
        // Unreachable while `arity` and what each function takes agree.
        let missing = || ParseError::new(0, format!("`{}` lacks an argument", self.name.name()));
        self.arguments.next().ok_or_else(missing)
    }

    /// An error about the argument looked at last.
    fn refuse(&self, argument: &Argument, message: &str) -> ParseError {
        let function = self.name.name();
        let message = format!("argument {} of `{function}` {message}", self.position);
        ParseError::new(argument.at.0, message)
    }

    fn mismatch(&self, argument: &Argument, expected: &str, found: &Typed) -> ParseError {
        let message = format!("must be {expected}, found {}", found.shape());
        self.refuse(argument, &message)
    }

    /// A function of one value, or of each of an array, that gives values of kind `result`.
    fn mapped(
        &mut self,
        kinds: &[Kind],
        result: Kind,
        function: impl FnOnce(&mut Self) -> Checked<Function>,
    ) -> Checked<Typed> {
        let argument = self.next()?;
        let subject = typed(argument)?;
        self.applied(argument, subject, kinds, result, function)
    }

    /// The same with the first argument looked at already.
    fn applied(
        &mut self,
        argument: &Argument,
        subject: Typed,
        kinds: &[Kind],
        result: Kind,
        function: impl FnOnce(&mut Self) -> Checked<Function>,
    ) -> Checked<Typed> {
        match subject {
            Typed::One(kind, source) if kinds.contains(&kind) => {
                let call = Box::new((source, function(self)?));
                Ok(Typed::One(result, Source::Call(call)))
            }
            Typed::Each(kind, list) if kinds.contains(&kind) => {
                let mapped = Box::new((list, function(self)?));
                Ok(Typed::Array(result, List::Mapped(mapped)))
            }
            Typed::Array(kind, _) if kinds.contains(&kind) => {
                let message = "is an array: take one value with `[0]`, or each with `[*]`";
                Err(self.refuse(argument, message))
            }
            other => Err(self.mismatch(argument, &any_of(kinds), &other)),
        }
    }

    /// An argument that is one value.
    fn one(&mut self, kinds: &[Kind]) -> Checked<Source> {
        let argument = self.next()?;
        match typed(argument)? {
            Typed::One(kind, source) if kinds.contains(&kind) => Ok(source),
            Typed::Each(..) | Typed::EachArray(_) => {
                Err(self.refuse(argument, "cannot have `[*]`, only the first can"))
            }
            other => Err(self.mismatch(argument, &any_of(kinds), &other)),
        }
    }

    /// An argument that is a constant.
    fn constant(&mut self, expected: &str) -> Checked<(&'e Argument, &'e Constant)> {
        let argument = self.next()?;
        match &argument.value {
            ArgumentValue::Literal(constant) => Ok((argument, constant)),
            ArgumentValue::Expr(_) => {
                Err(self.refuse(argument, &format!("must be {expected}, written out")))
            }
        }
    }

    fn quantified(&mut self, quantifier: Quantifier) -> Checked<Typed> {
        let argument = self.next()?;
        match typed(argument)? {
            Typed::Array(Kind::Boolean, list) | Typed::Each(Kind::Boolean, list) => {
                Ok(Typed::One(Kind::Boolean, Source::Quantified(quantifier, Box::new(list))))
            }
            other => {
                let expected = "an array of booleans, such as a comparison with `[*]`";
                Err(self.mismatch(argument, expected, &other))
            }
        }
    }

    fn len(&mut self) -> Checked<Typed> {
        let argument = self.next()?;
        match typed(argument)? {
            Typed::Array(_, list) => Ok(Typed::One(Kind::Integer, Source::Count(Box::new(list)))),
            Typed::One(Kind::Text, source) => {
                Ok(Typed::One(Kind::Integer, Source::Call(Box::new((source, Function::Len)))))
            }
            Typed::Each(Kind::Text, list) => {
                Ok(Typed::Array(Kind::Integer, List::Mapped(Box::new((list, Function::Len)))))
            }
            other => Err(self.mismatch(argument, "a string or an array", &other)),
        }
    }

    fn concat(&mut self) -> Checked<Typed> {
        const KINDS: [Kind; 2] = [Kind::Text, Kind::Integer];
        let argument = self.next()?;
        match typed(argument)? {
            Typed::Array(kind, list) => self.joined(kind, list),
            subject => self.applied(argument, subject, &KINDS, Kind::Text, |call| {
                let mut others = Vec::new();
                while call.has_more() {
                    others.push(call.one(&KINDS)?);
                }
                Ok(Function::Concat(others.into()))
            }),
        }
    }

    /// `concat` of arrays, the first of which is `list`.
    fn joined(&mut self, kind: Kind, list: List) -> Checked<Typed> {
        let mut lists = vec![list];
        while self.has_more() {
            let argument = self.next()?;
            match typed(argument)? {
                Typed::Array(other, list) if other == kind => lists.push(list),
                other => {
                    let expected = "an array like the first";
                    return Err(self.mismatch(argument, expected, &other));
                }
            }
        }
        Ok(Typed::Array(kind, List::Joined(lists.into())))
    }

    fn url_decode(&mut self) -> Checked<Function> {
        let (mut recursive, mut unicode) = (false, false);
        if self.has_more() {
            let expected = "a string of the options `r` and `u`";
            let (argument, constant) = self.constant(expected)?;
            let Constant::Text(options) = constant else {
                return Err(self.refuse(argument, &format!("must be {expected}")));
            };
            for option in options {
                match option {
                    b'r' => recursive = true,
                    b'u' => unicode = true,
                    _ => return Err(self.refuse(argument, &format!("must be {expected}"))),
                }
            }
        }
        Ok(Function::UrlDecode { recursive, unicode })
    }

    /// Names and indexes, up to the last argument.
    fn path(&mut self) -> Checked<Box<[JsonKey]>> {
        let mut path = Vec::new();
        while self.has_more() {
            let expected = "a name or an index from 0";
            let (argument, constant) = self.constant(expected)?;
            path.push(match constant {
                Constant::Text(name) => JsonKey::Name(name.as_slice().into()),
                Constant::Integer(index) => match usize::try_from(*index) {
                    Ok(index) => JsonKey::Index(index),
                    Err(_) => return Err(self.refuse(argument, &format!("must be {expected}"))),
                },
                _ => return Err(self.refuse(argument, &format!("must be {expected}"))),
            });
        }
        Ok(path.into())
    }

    fn regex_replace(&mut self) -> Checked<Function> {
        let expected = "a regular expression in quotes";
        let (argument, constant) = self.constant(expected)?;
        let Some(pattern) = constant.as_str() else {
            return Err(self.refuse(argument, &format!("must be {expected}")));
        };
        let pattern =
            Pattern::finding(pattern).map_err(|why| ParseError::new(argument.at.0, why))?;
        let (argument, constant) = self.constant("a string")?;
        let Constant::Text(template) = constant else {
            return Err(self.refuse(argument, "must be a string"));
        };
        match Replacement::new(pattern, template) {
            Ok(replacement) => Ok(Function::RegexReplace(Box::new(replacement))),
            Err(why) => Err(ParseError::new(argument.at.0, why)),
        }
    }

    /// The length of a prefix.
    fn bits(&mut self, most: u8) -> Checked<u8> {
        let expected = format!("the length of a prefix, 1 to {most}");
        let (argument, constant) = self.constant(&expected)?;
        match constant {
            Constant::Integer(bits @ 1..) if *bits <= i64::from(most) => Ok(*bits as u8),
            _ => Err(self.refuse(argument, &format!("must be {expected}"))),
        }
    }
}

/// An argument with its type.
fn typed(argument: &Argument) -> Checked<Typed> {
    match &argument.value {
        ArgumentValue::Literal(constant) => {
            Ok(Typed::One(constant.kind(), Source::Constant(constant.clone())))
        }
        ArgumentValue::Expr(Expr::Bare(bare)) => operand(bare),
        ArgumentValue::Expr(expr) => Ok(match truth(expr)? {
            Truth::One(Test::Constant(value)) => {
                Typed::One(Kind::Boolean, Source::Constant(Constant::Boolean(value)))
            }
            Truth::One(test) => Typed::One(Kind::Boolean, Source::Test(Box::new(test))),
            Truth::Each(list) => Typed::Array(Kind::Boolean, list),
        }),
    }
}

/// "a string or an integer".
fn any_of(kinds: &[Kind]) -> String {
    let kinds: Vec<_> = kinds.iter().map(ToString::to_string).collect();
    match kinds.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

impl Constant {
    /// Its text, if it is valid UTF-8.
    fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => core::str::from_utf8(text).ok(),
            _ => None,
        }
    }
}
