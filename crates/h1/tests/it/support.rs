//! What several of the tables say in one word.

use evenkeel_h1::{
    AnswerTo, Body, ChunkError, ChunkedDecoder, Field, HeadScanner, Limits, Method, RequestError,
    RequestHead, ResponseError, ResponseHead, parse_request, parse_response,
};

/// An answer to a plain GET.
pub(crate) const GET: AnswerTo = AnswerTo { method: Method::Get, upgrade_asked: false };

/// Parses a request that is there as a whole.
pub(crate) fn request(
    text: impl AsRef<[u8]>,
) -> Result<Option<(RequestHead, Vec<Field>)>, RequestError> {
    let mut fields = Vec::new();
    let head = parse_request(text.as_ref(), &Limits::default(), &mut fields)?;
    Ok(head.map(|head| (head, fields)))
}

/// Parses a request that is accepted.
pub(crate) fn accepted(text: impl AsRef<[u8]>) -> (RequestHead, Vec<Field>) {
    let text = text.as_ref();
    match request(text) {
        Ok(Some(parsed)) => parsed,
        other => panic!("{other:?} for {:?}", String::from_utf8_lossy(text)),
    }
}

/// The status that a request is refused with.
pub(crate) fn refused(text: impl AsRef<[u8]>) -> u16 {
    let text = text.as_ref();
    match request(text) {
        Err(error) => error.status(),
        Ok(parsed) => panic!("{parsed:?} for {:?}", String::from_utf8_lossy(text)),
    }
}

/// A GET with these field lines besides `Host`.
pub(crate) fn get_with(lines: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: a.example\r\n{lines}\r\n")
}

/// A POST with these field lines besides `Host`.
pub(crate) fn post_with(lines: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a.example\r\n{lines}\r\n")
}

/// Parses a response that is there as a whole.
pub(crate) fn response(
    text: impl AsRef<[u8]>,
    answer_to: AnswerTo,
) -> Result<Option<(ResponseHead, Vec<Field>)>, ResponseError> {
    let mut fields = Vec::new();
    let head = parse_response(text.as_ref(), answer_to, &Limits::default(), &mut fields)?;
    Ok(head.map(|head| (head, fields)))
}

/// The body of an accepted 200 with these field lines, and whether the connection stays open.
pub(crate) fn ok_with(lines: &str) -> Result<(Body, bool), ResponseError> {
    let parsed = response(format!("HTTP/1.1 200 OK\r\n{lines}\r\n"), GET)?;
    let (head, _) = parsed.expect("the head is whole");
    Ok((head.body, head.keep_alive))
}

/// Feeds a request byte by byte; the answer, and after how many bytes it came.
pub(crate) fn request_bytewise(
    text: &[u8],
    limits: &Limits,
    fields: &mut Vec<Field>,
) -> Result<Option<RequestHead>, (RequestError, usize)> {
    let mut scanner = HeadScanner::new();
    for end in 0..=text.len() {
        match scanner.request(&text[..end], limits, fields) {
            Ok(None) => {}
            Ok(Some(head)) => return Ok(Some(head)),
            Err(error) => return Err((error, end)),
        }
    }
    Ok(None)
}

/// Everything a decoder made of its input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub data: Vec<u8>,
    pub trailers: Vec<u8>,
    pub consumed: usize,
    pub done: bool,
}

/// Decodes pieces in turn. What one step leaves over is given to the next one again.
pub(crate) fn decode<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Decoded, ChunkError> {
    let mut decoder = ChunkedDecoder::new();
    let mut decoded = Decoded { data: vec![], trailers: vec![], consumed: 0, done: false };
    for mut piece in pieces {
        loop {
            let step = decoder.step(piece)?;
            assert!(step.data.end <= step.consumed && step.consumed <= piece.len());
            decoded.data.extend_from_slice(&piece[step.data]);
            decoded.consumed += step.consumed;
            decoded.done = step.done;
            piece = &piece[step.consumed..];
            if piece.is_empty() || step.done {
                break;
            }
            assert_ne!(step.consumed, 0, "a step gets on");
        }
    }
    decoded.trailers = decoder.trailers().to_vec();
    Ok(decoded)
}
