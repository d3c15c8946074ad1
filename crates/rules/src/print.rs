//! The canonical text of an expression: words for operators, the fewest parentheses, strings in
//! double quotes (patterns of `matches` raw, so that a backslash is one).
//!
//! What is printed parses to the same syntax. It can be longer than what was parsed (`&&` becomes
//! `and`), and thereby too long to be parsed itself.

use core::fmt::{self, Display, Formatter, Write};

use crate::syntax::{
    Argument, ArgumentValue, Base, Comparison, Constant, Expr, Index, Item, ItemValue, Logic,
    Operand, Order, Test,
};

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(value) => value.fmt(f),
            Self::Not(inner) => match **inner {
                Self::Logic(..) => write!(f, "not ({inner})"),
                _ => write!(f, "not {inner}"),
            },
            Self::Logic(op, items) => {
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        write!(f, " {op} ")?;
                    }
                    match item {
                        Self::Logic(inner, _) if inner <= op => write!(f, "({item})")?,
                        item => item.fmt(f)?,
                    }
                }
                Ok(())
            }
            Self::Comparison(comparison) => comparison.fmt(f),
            Self::Bare(operand) => operand.fmt(f),
        }
    }
}

impl Display for Logic {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::And => "and",
            Self::Xor => "xor",
            Self::Or => "or",
        })
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.subject)?;
        match &self.test {
            Test::Order(order, literal) => write!(f, "{order} {}", literal.value),
            Test::Contains(literal) => write!(f, "contains {}", literal.value),
            Test::Matches { pattern, .. } => {
                f.write_str("matches ")?;
                raw(f, pattern)
            }
            Test::Wildcard { strict: false, pattern } => write!(f, "wildcard {}", pattern.value),
            Test::Wildcard { strict: true, pattern } => {
                write!(f, "strict wildcard {}", pattern.value)
            }
            Test::In(items) => {
                f.write_str("in {")?;
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        f.write_char(' ')?;
                    }
                    item.fmt(f)?;
                }
                f.write_char('}')
            }
        }
    }
}

impl Display for Order {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Lt => "lt",
            Self::Le => "le",
            Self::Gt => "gt",
            Self::Ge => "ge",
        })
    }
}

impl Display for Item {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.value {
            ItemValue::One(value) => value.fmt(f),
            ItemValue::Integers(first, last) => write!(f, "{first}..{last}"),
            ItemValue::Ips(first, last) => write!(f, "{first}..{last}"),
            ItemValue::Cidr(address, bits) => write!(f, "{address}/{bits}"),
        }
    }
}

impl Display for Constant {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(bytes) => quoted(f, bytes),
            Self::Integer(value) => value.fmt(f),
            Self::Boolean(value) => value.fmt(f),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.base {
            Base::Field(field) => f.write_str(field.name())?,
            Base::Call(function, arguments) => {
                write!(f, "{}(", function.name())?;
                for (index, argument) in arguments.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    argument.fmt(f)?;
                }
                f.write_char(')')?;
            }
        }
        for (_, index) in &self.indexes {
            match index {
                Index::Nth(nth) => write!(f, "[{nth}]")?,
                Index::Key(key) => {
                    f.write_char('[')?;
                    quoted(f, key)?;
                    f.write_char(']')?;
                }
                Index::Each => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

impl Display for Argument {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.value {
            ArgumentValue::Literal(value) => value.fmt(f),
            ArgumentValue::Expr(expr) => expr.fmt(f),
        }
    }
}

/// Double quotes; control characters and what is not UTF-8 as `\xHH`.
fn quoted(f: &mut Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    f.write_char('"')?;
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                '"' | '\\' => write!(f, "\\{char}")?,
                // Control characters above U+007F have two bytes and are left alone.
                '\0'..'\x20' | '\x7f' => write!(f, "\\x{:02x}", u32::from(char))?,
                char => f.write_char(char)?,
            }
        }
        for byte in chunk.invalid() {
            write!(f, "\\x{byte:02x}")?;
        }
    }
    f.write_char('"')
}

/// A raw string with as many `#` as it takes.
fn raw(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    let runs =
        text.split('"').skip(1).map(|rest| 1 + rest.bytes().take_while(|b| *b == b'#').count());
    let hashes = runs.max().unwrap_or(0);
    f.write_char('r')?;
    (0..hashes).try_for_each(|_| f.write_char('#'))?;
    write!(f, "\"{text}\"")?;
    (0..hashes).try_for_each(|_| f.write_char('#'))
}
