//! The operations of the API, each said once: the router, the credentials it asks for and the
//! description in OpenAPI ([`super::openapi`]) are all made from this list.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::handler::Handler;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::object::{Deleted, ListQuery, Object};
use super::{BASE, object};
use crate::app::App;
use crate::auth::{Origin, authorize};
use crate::error::ApiError;
use crate::permission::{Access, Group, Needs};

/// Makes the schema of a type.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What a request body holds.
#[derive(Clone, Copy)]
pub(super) enum BodyOf {
    /// A document as it is answered, without what only the server writes; the named members have to
    /// be there.
    Document(SchemaOf, &'static [&'static str]),
    /// Exactly this.
    Value(SchemaOf),
    /// A text of this media type.
    Text(&'static str),
}

/// What a success answers.
#[derive(Clone, Copy)]
pub(super) enum AnswerOf {
    /// One value in the envelope.
    One(SchemaOf),
    /// A list in the envelope, with `result_info`.
    Page(SchemaOf),
    /// Text, without an envelope.
    Text,
}

/// One operation: a method on a path.
pub(super) struct Operation {
    pub(super) method: Method,
    /// Below `/client/v4`, with `{parameters}`.
    pub(super) path: String,
    /// A few words; with the path's first word it names the operation.
    pub(super) summary: String,
    pub(super) needs: Needs,
    pub(super) query: Option<SchemaOf>,
    pub(super) body: Option<BodyOf>,
    pub(super) answer: AnswerOf,
}

impl Operation {
    fn new(method: Method, path: &str, group: Group, summary: &str) -> Self {
        let access = if method == Method::GET { Access::Read } else { Access::Write };
        Self {
            method,
            path: path.to_owned(),
            summary: summary.to_owned(),
            needs: Needs { group, access },
            query: None,
            body: None,
            answer: AnswerOf::One(<()>::json_schema),
        }
    }

    /// A GET, which needs to read.
    pub(super) fn get(path: &str, group: Group, summary: &str) -> Self {
        Self::new(Method::GET, path, group, summary)
    }

    /// A POST, which needs to write.
    pub(super) fn post(path: &str, group: Group, summary: &str) -> Self {
        Self::new(Method::POST, path, group, summary)
    }

    /// A PUT, which needs to write.
    pub(super) fn put(path: &str, group: Group, summary: &str) -> Self {
        Self::new(Method::PUT, path, group, summary)
    }

    /// A PATCH, which needs to write.
    pub(super) fn patch(path: &str, group: Group, summary: &str) -> Self {
        Self::new(Method::PATCH, path, group, summary)
    }

    /// A DELETE, which needs to write.
    pub(super) fn delete(path: &str, group: Group, summary: &str) -> Self {
        Self::new(Method::DELETE, path, group, summary)
    }

    /// Takes the members of `Q` as query parameters.
    pub(super) fn query<Q: JsonSchema>(mut self) -> Self {
        self.query = Some(Q::json_schema);
        self
    }

    /// Takes a document `T` without what only the server writes.
    pub(super) fn document<T: JsonSchema>(mut self, required: &'static [&'static str]) -> Self {
        self.body = Some(BodyOf::Document(subschema::<T>, required));
        self
    }

    /// Takes a `T`.
    pub(super) fn body<T: JsonSchema>(mut self) -> Self {
        self.body = Some(BodyOf::Value(subschema::<T>));
        self
    }

    /// Takes text.
    pub(super) fn text(mut self, media_type: &'static str) -> Self {
        self.body = Some(BodyOf::Text(media_type));
        self
    }

    /// Answers one `T`.
    pub(super) fn answers<T: JsonSchema>(mut self) -> Self {
        self.answer = AnswerOf::One(subschema::<T>);
        self
    }

    /// Answers a page of a list of `T`.
    pub(super) fn lists<T: JsonSchema>(mut self) -> Self {
        self.answer = AnswerOf::Page(subschema::<T>);
        self
    }

    /// Answers text.
    pub(super) fn answers_text(mut self) -> Self {
        self.answer = AnswerOf::Text;
        self
    }
}

fn subschema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// The path of one document of a collection.
pub(super) fn single<O: Object>(collection: &str) -> String {
    format!("{collection}/{{{}_id}}", O::NOUN.replace(' ', "_"))
}

/// All operations and what serves them.
pub(super) struct Operations {
    app: Arc<App>,
    router: Router<Arc<App>>,
    described: Vec<Operation>,
}

impl Operations {
    /// None yet.
    pub(super) fn new(app: Arc<App>) -> Self {
        Self { app, router: Router::new(), described: Vec::new() }
    }

    /// Adds one.
    pub(super) fn serve<H, T>(&mut self, operation: Operation, handler: H)
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(operation.method.clone());
        let filter = filter.expect("every method of an operation has a filter");
        let state = (Arc::clone(&self.app), operation.needs);
        let guarded = on(filter, handler).route_layer(middleware::from_fn_with_state(state, guard));
        self.router = std::mem::take(&mut self.router).route(&operation.path, guarded);
        self.described.push(operation);
    }

    /// Adds the verbs that all documents of a kind share, on a collection and on its members.
    pub(super) fn object<O: Object>(&mut self, collection: &str) {
        let noun = O::NOUN;
        let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        let single = single::<O>(collection);
        let group = O::GROUP;
        self.serve(
            Operation::get(collection, group, &format!("List {noun}s"))
                .query::<ListQuery>()
                .lists::<O>(),
            object::list::<O>,
        );
        self.serve(
            Operation::post(collection, group, &format!("Create {article} {noun}"))
                .document::<O>(O::REQUIRED)
                .answers::<O>(),
            object::create::<O>,
        );
        self.serve(
            Operation::get(&single, group, &format!("Get {article} {noun}")).answers::<O>(),
            object::fetch::<O>,
        );
        self.serve(
            Operation::put(&single, group, &format!("Replace {article} {noun}"))
                .document::<O>(O::REQUIRED)
                .answers::<O>(),
            object::replace::<O>,
        );
        self.serve(
            Operation::patch(&single, group, &format!("Change {article} {noun}"))
                .document::<O>(&[])
                .answers::<O>(),
            object::patch::<O>,
        );
        let delete = Operation::delete(&single, group, &format!("Delete {article} {noun}"));
        if O::DELETE_ANSWERS_WHOLE {
            self.serve(delete.answers::<O>(), object::delete_whole::<O>);
        } else {
            self.serve(delete.answers::<Deleted>(), object::delete::<O>);
        }
    }

    /// The router, and what it serves.
    pub(super) fn finish(self) -> (Router<Arc<App>>, Vec<Operation>) {
        (self.router, self.described)
    }
}

/// Lets requests through whose credentials are valid and suffice, and tells handlers whose they are.
async fn guard(
    State((app, needs)): State<(Arc<App>, Needs)>,
    parameters: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let origin = Origin::of(request.method(), request.uri(), request.extensions());
    let caller = match app.authenticate(request.headers(), origin) {
        Ok(caller) => caller,
        // The check of a token says that it is the token.
        Err(error) if error.status() == 401 && request.uri().path().ends_with("/tokens/verify") => {
            return Err(ApiError::invalid_token());
        }
        Err(error) => return Err(error),
    };
    let Ok(parameters) = parameters else {
        return Err(ApiError::unroutable(request.uri().path()));
    };
    let parameter =
        |wanted: &str| parameters.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value);
    let (account, zone) = (parameter("account_id"), parameter("zone_id"));
    authorize(&caller, needs, account, zone, &app.catalog())?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// What the operation is called: the first word of its path and its summary.
pub(super) fn id(operation: &Operation) -> String {
    let first = operation.path.split('/').nth(1).unwrap_or(BASE);
    let words = operation.summary.to_ascii_lowercase();
    let words = words.split(|letter: char| !letter.is_ascii_alphanumeric());
    [first].into_iter().chain(words.filter(|word| !word.is_empty())).collect::<Vec<_>>().join("-")
}
