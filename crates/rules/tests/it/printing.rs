//! Writes expressions of the oracle in any of the spellings that the language allows.

use crate::oracle::{Call, Item, Many, One, Test, Truth, Truths, Value};

/// A writer that draws the spelling of each thing from a sequence of bytes, over and over.
pub(crate) struct Writer<'s> {
    style: &'s [u8],
    drawn: usize,
    text: String,
}

/// An expression in the style drawn from some bytes; without any, in the plainest.
pub(crate) fn write(truth: &Truth, style: &[u8]) -> String {
    let mut writer = Writer { style, drawn: 0, text: String::new() };
    writer.blank();
    writer.truth(truth);
    writer.blank();
    writer.text
}

impl Writer<'_> {
    fn draw(&mut self, ways: u8) -> u8 {
        if self.style.is_empty() {
            return 0;
        }
        self.drawn += 1;
        self.style[self.drawn % self.style.len()] % ways
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Either spelling.
    fn either(&mut self, word: &str, sign: &str) {
        let spelling = if self.draw(2) == 0 { word } else { sign };
        self.put(spelling);
    }

    /// Blanks where none are needed.
    fn blank(&mut self) {
        let blank = ["", "", "", " ", "\n", "\t "][usize::from(self.draw(6))];
        self.put(blank);
    }

    /// Blanks where one is needed.
    fn space(&mut self) {
        self.put(" ");
        self.blank();
    }

    fn truth(&mut self, truth: &Truth) {
        // In doubt in parentheses: precedence has a table of its own.
        match truth {
            Truth::Constant(value) => self.put(if *value { "true" } else { "false" }),
            Truth::Not(inner) => {
                self.not();
                self.enclosed(|w| w.truth(inner));
            }
            Truth::Logic(op, items) => self.joined(op, items, |w, item| match item {
                Truth::Logic(..) => w.enclosed(|w| w.truth(item)),
                item => w.maybe_enclosed(|w| w.truth(item)),
            }),
            Truth::Is(one, test) => {
                self.one(one);
                self.test(test);
            }
            Truth::Bare(one) => self.one(one),
        }
    }

    fn truths(&mut self, truths: &Truths) {
        match truths {
            Truths::Not(inner) => {
                self.not();
                self.enclosed(|w| w.truths(inner));
            }
            Truths::Logic(op, items) => self.joined(op, items, |w, item| match item {
                Truths::Logic(..) => w.enclosed(|w| w.truths(item)),
                item => w.maybe_enclosed(|w| w.truths(item)),
            }),
            Truths::Is(many, test) => {
                self.many(many);
                self.put("[*]");
                self.test(test);
            }
            Truths::Bare(many) => self.many(many),
        }
    }

    fn not(&mut self) {
        self.either("not ", "!");
        self.blank();
    }

    fn joined<T>(&mut self, op: &str, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.space();
                let sign = match op {
                    "and" => "&&",
                    "or" => "||",
                    _ => "^^",
                };
                self.either(op, sign);
                self.space();
            }
            write(self, item);
        }
    }

    fn enclosed(&mut self, write: impl FnOnce(&mut Self)) {
        self.put("(");
        self.blank();
        write(self);
        self.blank();
        self.put(")");
    }

    fn maybe_enclosed(&mut self, write: impl FnOnce(&mut Self)) {
        if self.draw(4) == 3 { self.enclosed(write) } else { write(self) }
    }

    fn one(&mut self, one: &One) {
        match one {
            One::Field(name) => self.put(name),
            One::Literal(value) => self.value(value),
            One::Nth(many, nth) => {
                self.many(many);
                self.put("[");
                self.blank();
                self.put(&nth.to_string());
                self.blank();
                self.put("]");
            }
            One::Len(many) => self.call("len", |w| w.many(many)),
            One::Call(call, one) => self.function(call, |w| w.one(one)),
            One::Truth(truth) => self.truth(truth),
            One::Quantified(name, truths) => self.call(name, |w| w.truths(truths)),
        }
    }

    fn many(&mut self, many: &Many) {
        match many {
            Many::Field(name) => self.put(name),
            Many::Key(map, key) => {
                self.put(map);
                self.put("[");
                self.blank();
                self.string(key.as_bytes());
                self.blank();
                self.put("]");
            }
            // As what a function makes of each value, which leaves them as they are.
            Many::Each(map) => {
                self.put("substring(");
                self.put(map);
                self.put("[*][*], 0)");
            }
            Many::EachNth(map, nth) => {
                self.put(&format!("substring({map}[*][{nth}], 0)"));
            }
            Many::Mapped(call, many) => self.function(call, |w| {
                w.many(many);
                w.put("[*]");
            }),
            Many::Joined(first, second) => self.call("concat", |w| {
                w.many(first);
                w.comma();
                w.many(second);
            }),
        }
    }

    fn function(&mut self, call: &Call, first: impl FnOnce(&mut Self)) {
        self.call(call.name, |w| {
            first(w);
            for argument in &call.arguments {
                w.comma();
                w.one(argument);
            }
        });
    }

    fn call(&mut self, name: &str, arguments: impl FnOnce(&mut Self)) {
        self.put(name);
        self.blank();
        self.enclosed(arguments);
    }

    fn comma(&mut self) {
        self.blank();
        self.put(",");
        self.blank();
    }

    fn test(&mut self, test: &Test) {
        self.space();
        match test {
            Test::Order(word, value) => {
                let sign = match *word {
                    "eq" => "==",
                    "ne" => "!=",
                    "lt" => "<",
                    "le" => "<=",
                    "gt" => ">",
                    _ => ">=",
                };
                self.either(word, sign);
                self.space();
                self.value(value);
            }
            Test::Contains(part) => {
                self.put("contains");
                self.space();
                self.string(part);
            }
            Test::Matches(pattern) => {
                self.either("matches", "~");
                self.space();
                // Backslashes are the pattern's own in both spellings.
                match self.draw(2) {
                    0 => self.raw(pattern),
                    _ => self.put(&format!("\"{}\"", pattern.replace('"', "\\\""))),
                }
            }
            Test::Wildcard { strict, pattern } => {
                if *strict {
                    self.put("strict");
                    self.space();
                }
                self.put("wildcard");
                self.space();
                self.string(pattern.as_bytes());
            }
            Test::In(items) => {
                self.put("in");
                self.blank();
                self.put("{");
                self.blank();
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.space();
                    }
                    match item {
                        Item::Value(value) => self.value(value),
                        Item::Range(first, last) => {
                            self.value(first);
                            self.put("..");
                            self.value(last);
                        }
                        Item::Network(network, bits) => self.put(&format!("{network}/{bits}")),
                    }
                }
                self.blank();
                self.put("}");
            }
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Text(text) => self.string(text),
            Value::Integer(value) => match self.draw(3) {
                2 if *value >= 0 => self.put(&format!("{value:#x}")),
                _ => self.put(&value.to_string()),
            },
            Value::Boolean(value) => self.put(&value.to_string()),
            Value::Ip(address) => self.put(&address.to_string()),
        }
    }

    fn string(&mut self, bytes: &[u8]) {
        if let (1, Ok(text)) = (self.draw(2), std::str::from_utf8(bytes)) {
            return self.raw(text);
        }
        self.put("\"");
        for chunk in bytes.utf8_chunks() {
            for char in chunk.valid().chars() {
                match char {
                    '"' | '\\' => self.put(&format!("\\{char}")),
                    char if char.is_ascii() && self.draw(8) == 7 => {
                        self.put(&format!("\\x{:02X}", u32::from(char)));
                    }
                    char => self.text.push(char),
                }
            }
            for byte in chunk.invalid() {
                self.put(&format!("\\x{byte:02x}"));
            }
        }
        self.put("\"");
    }

    fn raw(&mut self, text: &str) {
        let mut hashes = "#".repeat(usize::from(self.draw(3)));
        while text.contains(&format!("\"{hashes}")) {
            hashes.push('#');
        }
        self.put(&format!("r{hashes}\"{text}\"{hashes}"));
    }
}
