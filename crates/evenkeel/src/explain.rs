//! `evenkeel explain`: puts a question to a running server and prints what it says
//! (`openapi/explain.json`).

use std::fmt::Write as _;

use serde_json::{Value, json};
use ureq::http::Method;

use crate::cli::ExplainArgs;
use crate::client::Client;
use crate::commands::{output, token_of};
use crate::exit::Failure;

/// Where it is asked.
const PATH: &str = "/evenkeel/v1/explain";

/// Asks, and prints the answer.
///
/// # Errors
/// When there is no token, nobody answers, or the question is refused.
pub(crate) fn run(args: &ExplainArgs) -> Result<(), Failure> {
    let remote = &args.remote;
    let token = token_of("EVENKEEL_API_TOKEN")?;
    let question = question(args).map_err(Failure::Usage)?;
    let client = Client::new(&remote.server, token, remote.ca.as_deref())?;
    let answer = client
        .send(Method::POST, PATH, Some(&question))
        .map_err(Failure::doing(format!("asking {}", client.root())))?;
    if remote.json { output::print_json(&answer) } else { output::print(&in_words(&answer)) }
}

/// The question as the server reads it.
fn question(args: &ExplainArgs) -> Result<Value, String> {
    let (method, target) = match args.asked.as_slice() {
        [target] => (None, target.as_str()),
        [method, target, ..] => (Some(method.to_ascii_uppercase()), target.as_str()),
        [] => return Err("a URL is missing".to_owned()),
    };
    if let Some(kind) = &args.dns {
        let name = target.split_once("://").map_or(target, |(_, rest)| rest);
        let name = name.split('/').next().unwrap_or_default();
        let mut query = json!({ "name": name, "type": kind });
        if let Some(from) = args.from {
            query["resolver"] = json!(from);
        }
        if let Some(ecs) = &args.ecs {
            query["ecs"] = json!(ecs);
        }
        return Ok(json!({ "dns": query, "repeat": args.repeat }));
    }
    let url = if target.contains("://") { target.to_owned() } else { format!("http://{target}") };
    let mut question = json!({
        "method": method.as_deref().unwrap_or("GET"),
        "url": url,
        "headers": args.headers.iter().map(|line| header(line)).collect::<Result<Vec<_>, _>>()?,
        "repeat": args.repeat,
    });
    if let Some(from) = args.from {
        question["client"] = json!(from);
    }
    Ok(question)
}

fn header(line: &str) -> Result<(&str, &str), String> {
    let (name, value) =
        line.split_once(':').ok_or_else(|| format!("--header: {line:?} is not NAME: VALUE"))?;
    Ok((name.trim(), value.trim()))
}

/// The server's words, and the distribution if there is one.
fn in_words(answer: &Value) -> String {
    let mut text = answer["text"].as_str().unwrap_or_default().to_owned();
    let shares = answer["distribution"].as_array().map(Vec::as_slice).unwrap_or_default();
    let counts = shares.iter().filter_map(|share| share["count"].as_u64());
    if !shares.is_empty() {
        writeln!(text, "of {} decisions", counts.sum::<u64>()).expect("strings grow");
    }
    for share in shares {
        let percent = share["share"].as_f64().unwrap_or_default() * 100.0;
        let (count, how) = (share["count"].as_u64(), share["text"].as_str());
        let (count, how) = (count.unwrap_or_default(), how.unwrap_or_default());
        writeln!(text, "{count:7}  {percent:5.1} %  {how}").expect("strings grow");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn asked(args: &[&str]) -> Result<Value, String> {
        #[derive(Parser)]
        struct Flags {
            #[command(flatten)]
            args: ExplainArgs,
        }
        question(&Flags::parse_from([&["explain"], args].concat()).args)
    }

    #[test]
    fn the_command_line_becomes_a_question() {
        let args =
            ["get", "https://shop.example.com/cart", "--from", "203.0.113.9", "-H", "Cookie: a=b"];
        let expected = json!({
            "method": "GET", "url": "https://shop.example.com/cart", "client": "203.0.113.9",
            "headers": [["Cookie", "a=b"]], "repeat": 1,
        });
        assert_eq!(asked(&args), Ok(expected));
        let expected =
            json!({ "method": "GET", "url": "http://a.example/", "headers": [], "repeat": 7 });
        assert_eq!(asked(&["a.example/", "--repeat", "7"]), Ok(expected));
        let args =
            ["https://a.example/x", "--dns", "aaaa", "--from", "::1", "--ecs", "192.0.2.0/24"];
        let query = json!({ "name": "a.example", "type": "aaaa", "resolver": "::1", "ecs": "192.0.2.0/24" });
        assert_eq!(asked(&args), Ok(json!({ "dns": query, "repeat": 1 })));
        assert!(asked(&["a.example", "-H", "nonsense"]).is_err());
    }
}
