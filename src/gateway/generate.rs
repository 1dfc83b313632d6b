//! The pipeline of a request for an answer: body, look, plan, tries, answer.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::time::timeout;
use translator::Dialect;
use translator::error::{Failure, FailureKind};
use translator::estimate::Spoken;
use translator::fidelity::Report;

use super::allowance::{self, Notice, Output, Use};
use super::body::{AnswerBody, Owned};
use super::headers::{
    self, BRIDGE_ATTEMPTS, BRIDGE_FIDELITY, BRIDGE_MODEL, BRIDGE_PROVIDER, BRIDGE_ROUTE,
    BRIDGE_STRICT,
};
use super::order::{Order, Purpose};
use super::peek::Peek;
use super::remember::Remember;
use super::route::Ingress;
use super::service::Caller;
use super::settle::Account;
use super::stream::{StreamBody, StreamFacts};
use super::talk::Talk;
use super::verdict::{Begun, Lost, Verdict, Whole};
use super::{
    attempt, background, chat, finish, gemini, intake, messages, models, query, reply, responses,
    spoken,
};
use crate::ledger::{Label, Outcome, Side};
use crate::routing::{Facts, NoRoute, Plan, PlannedTarget, plan};

/// The longest fidelity header; the record has it all.
const FIDELITY_HEADER: usize = 1_024;

/// Answers a request for an answer.
pub(super) async fn answer(
    caller: Caller,
    ingress: Ingress,
    request: Request<Incoming>,
) -> Response<AnswerBody> {
    let dialect = ingress.dialect;
    let mut account = Account::open(
        &caller.hub,
        &caller.request_id,
        "generate",
        dialect,
        request.headers(),
    );
    let request_id = caller.request_id.clone();
    match order(caller, &ingress, request, &mut account).await {
        Ok(order) if order.purpose == Purpose::Background => background::begin(order, account),
        Ok(order) => serve(order, account).await,
        Err(failure) => {
            let response = reply::failure(dialect, &failure, &request_id);
            account.failed(&failure);
            account.close(
                Outcome::Error,
                response.status().as_u16(),
                None,
                Some(failure.message),
            );
            response
        }
    }
}

/// Reads and looks at the request, and plans where it goes.
pub(super) async fn order(
    caller: Caller,
    ingress: &Ingress,
    request: Request<Incoming>,
    account: &mut Account,
) -> Result<Box<Order>, Failure> {
    let (head, body) = request.into_parts();
    let Caller {
        hub,
        snapshot,
        request_id,
        key,
    } = &caller;
    let mut body = intake::read(body, &head.headers, snapshot.max_body, &hub.tuning).await?;
    account.capture(Side::ClientRequest, &body);
    let mut peek = Peek::at(&body)?;
    let mut purpose = Purpose::Answer;
    if ingress.dialect == Dialect::OpenAiResponses && peek.background {
        purpose = Purpose::Background;
        body = background::foreground(&body, &peek)?;
        peek = Peek::at(&body)?;
    }
    let mut body_dialect = ingress.dialect;
    let model = match ingress.dialect {
        Dialect::OpenAiChat => chat::model(&peek)?,
        Dialect::Anthropic => messages::model(&peek)?,
        Dialect::OpenAiResponses => responses::model(&peek)?,
        Dialect::Gemini => {
            body_dialect = gemini::body_dialect(ingress, &peek);
            gemini::model(ingress, &peek)?
        }
    };
    let stream = ingress.stream.unwrap_or(peek.stream);
    let strict = head
        .headers
        .get(&BRIDGE_STRICT)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
    account.note(|record| {
        record.model_asked.clone_from(&model);
        record.stream = stream;
        record.client_key = key.as_ref().map(|key| Label::from(&key.id));
        record.caller.clone_from(key);
    });
    let mut plan = planned(&caller, ingress.dialect, &model, &body, &head.headers)?;
    account.note(|record| {
        record.route = Some(Label::from(&plan.route));
        record.trace = std::mem::take(&mut plan.trace);
    });
    account.prompt(&body);
    let mut order = Box::new(Order {
        scope: caller.scope(),
        query: query::forwardable(head.uri.query()),
        hub: Arc::clone(hub),
        snapshot: Arc::clone(snapshot),
        request_id: request_id.clone(),
        ingress: ingress.dialect,
        body_dialect,
        headers: head.headers,
        body,
        peek,
        original: None,
        model,
        stream,
        json_array: ingress.json_array,
        strict,
        purpose,
        keep_input: None,
        keeps_response: false,
        limits: Notice::default(),
        route: plan.route,
        targets: plan.targets.into_iter().map(Arc::new).collect(),
    });
    if order.ingress == Dialect::OpenAiResponses {
        Box::pin(responses::fetch(&order)).await;
        responses::recall(&mut order)?;
    }
    if purpose == Purpose::Answer
        && let Some(store) = order.hub.history.of(&order.scope)
    {
        let dialects = (order.body_dialect, order.ingress);
        account.talk(Talk::new(store, &order.scope, dialects, &order.body));
    }
    let output = Output::of(&order.body, &order.peek);
    let targets = order.targets.iter().map(|target| &**target);
    let uses = Use::Tokens(&order.body, output);
    order.limits = allowance::admit(&caller, order.ingress, uses, targets, account)?;
    Ok(order)
}

/// Where a request goes.
pub(super) fn planned(
    caller: &Caller,
    ingress: Dialect,
    model: &str,
    body: &[u8],
    headers: &HeaderMap,
) -> Result<Plan, Failure> {
    let facts = Facts {
        ingress,
        model: models::plain_name(ingress, model),
        body,
        headers,
        client_key: caller.key.as_deref(),
        pin: headers
            .get(&BRIDGE_PROVIDER)
            .and_then(|value| value.to_str().ok()),
    };
    plan(&caller.snapshot, &facts, &caller.hub.selection).map_err(|reason| nowhere(&reason))
}

fn nowhere(reason: &NoRoute) -> Failure {
    let (kind, code) = match reason {
        NoRoute::UnknownModel { .. } | NoRoute::Unserved { .. } => {
            (FailureKind::NotFound, "model_not_found")
        }
        NoRoute::NotAllowed { .. } | NoRoute::PinNotAllowed => {
            (FailureKind::Permission, "not_allowed")
        }
        NoRoute::UnknownPin { .. } => (FailureKind::InvalidRequest, "unknown_provider"),
        NoRoute::NotDirect { .. } => (FailureKind::Unsupported, "direct_mode"),
    };
    Failure::new(kind, reason.to_string())
        .with_code(code)
        .with_param("model")
}

async fn serve(mut order: Box<Order>, account: Account) -> Response<AnswerBody> {
    let facts = Frame::of(&mut order);
    let waits = order.stream;
    let grace = order.hub.tuning.grace;
    let stream = StreamFacts {
        ingress: order.ingress,
        request_id: order.request_id.clone(),
        json_array: order.json_array,
        remember: order.stream.then(|| Remember {
            hub: Arc::clone(&order.hub),
            scope: Arc::clone(&order.scope),
            input: order.keep_input.take(),
        }),
        tuning: order.hub.tuning,
    };
    order.keeps_response = stream
        .remember
        .as_ref()
        .is_some_and(|remember| remember.input.is_some());
    let mut verdict: Owned<Verdict> = Box::pin(attempt::run(order, account));
    if !waits {
        return facts.finished(verdict.await, stream);
    }
    match timeout(grace, &mut verdict).await {
        Ok(verdict) => facts.finished(verdict, stream),
        // The client sees a sign of life; what goes wrong from here on is told inside the stream.
        Err(_) => {
            let mut response = facts.stream_head();
            *response.body_mut() = AnswerBody::stream(StreamBody::waiting(stream, verdict));
            response
        }
    }
}

/// What the head of the answer says, whatever comes of the tries.
pub(super) struct Frame {
    ingress: Dialect,
    request_id: String,
    route: Arc<str>,
    json_array: bool,
    limits: Notice,
}

impl Frame {
    pub(super) fn of(order: &mut Order) -> Self {
        Self {
            limits: order.limits,
            ingress: order.ingress,
            request_id: order.request_id.clone(),
            route: Arc::clone(&order.route),
            json_array: order.json_array,
        }
    }

    fn finished(&self, verdict: Verdict, stream: StreamFacts) -> Response<AnswerBody> {
        match verdict {
            Verdict::Whole(whole) => self.whole(*whole),
            Verdict::Begun(begun) => self.begun(*begun, stream),
            Verdict::Lost(lost) => self.lost(*lost),
        }
    }

    /// The receipt of an answer that the client asks for later.
    pub(super) fn receipt(&self, receipt: String) -> Response<AnswerBody> {
        let mut response = reply::json(receipt);
        self.sign(response.headers_mut(), None, 0);
        response
    }

    /// A failure of the hub's own finding.
    pub(super) fn refused(&self, failure: &Failure, mut account: Account) -> Response<AnswerBody> {
        let mut response = reply::failure(self.ingress, failure, &self.request_id);
        self.sign(response.headers_mut(), None, 0);
        let status = response.status().as_u16();
        account.failed(failure);
        account.close(Outcome::Error, status, None, Some(failure.message.clone()));
        response
    }

    pub(super) fn whole(&self, mut whole: Whole) -> Response<AnswerBody> {
        let said = match whole.usage {
            Some(_) => Spoken::default(),
            None => spoken::answer(self.ingress, &whole.body),
        };
        whole.account.capture(Side::ClientAnswer, &whole.body);
        if whole.account.is_traced() {
            let why = finish::of_answer(self.ingress, &whole.body);
            whole.account.finished(why);
        }
        let mut response = reply::json(whole.body);
        self.sign(
            response.headers_mut(),
            Some(&whole.target),
            whole.account.attempts(),
        );
        fidelity(response.headers_mut(), &whole.report);
        response.headers_mut().extend(whole.headers);
        whole.account.fidelity(&whole.report);
        whole.account.first_byte();
        whole.account.spoken(said);
        whole.account.close(Outcome::Ok, 200, whole.usage, None);
        response
    }

    fn begun(&self, mut begun: Begun, stream: StreamFacts) -> Response<AnswerBody> {
        let mut response = self.stream_head();
        self.sign(
            response.headers_mut(),
            Some(&begun.target),
            begun.account.attempts(),
        );
        fidelity(response.headers_mut(), &begun.report);
        response
            .headers_mut()
            .extend(std::mem::take(&mut begun.headers));
        begun.account.fidelity(&begun.report);
        begun.account.first_byte();
        *response.body_mut() = AnswerBody::stream(StreamBody::begun(stream, begun));
        response
    }

    pub(super) fn lost(&self, mut lost: Lost) -> Response<AnswerBody> {
        let attempts = lost.account.attempts();
        let mut response = match lost.verbatim {
            // Clients match the wording of their own vendor.
            Some(verbatim) => {
                let status =
                    StatusCode::from_u16(verbatim.status).unwrap_or(StatusCode::BAD_GATEWAY);
                let mut response = reply::full(status, "application/json", verbatim.body);
                reply::identify(response.headers_mut(), self.ingress, &self.request_id);
                if let Some(wait) = reply::wait(verbatim.status, lost.failure.retry_after) {
                    response
                        .headers_mut()
                        .insert(RETRY_AFTER, HeaderValue::from(wait));
                }
                response
            }
            None => reply::failure(self.ingress, &lost.failure, &self.request_id),
        };
        self.sign(response.headers_mut(), lost.target.as_deref(), attempts);
        let status = response.status().as_u16();
        lost.account.failed(&lost.failure);
        lost.account
            .close(Outcome::Error, status, None, Some(lost.failure.message));
        response
    }

    fn stream_head(&self) -> Response<AnswerBody> {
        let content_type = if self.json_array {
            "application/json"
        } else {
            "text/event-stream"
        };
        let mut response = Response::new(AnswerBody::full(Bytes::new()));
        let headers = response.headers_mut();
        headers.reserve(reply::HEADERS);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        self.sign(headers, None, 0);
        response
    }

    fn sign(&self, headers: &mut HeaderMap, target: Option<&PlannedTarget>, attempts: usize) {
        reply::identify(headers, self.ingress, &self.request_id);
        self.limits.tell(headers);
        sign(headers, &self.route, target, attempts);
    }
}

/// Puts on an answer who gave it.
pub(super) fn sign(
    headers: &mut HeaderMap,
    route: &str,
    target: Option<&PlannedTarget>,
    attempts: usize,
) {
    headers.insert(BRIDGE_ROUTE, headers::value(route));
    if let Some(target) = target {
        headers.insert(BRIDGE_PROVIDER, headers::value(&target.provider.name));
        headers.insert(BRIDGE_MODEL, headers::value(&target.model));
        headers.insert(BRIDGE_ATTEMPTS, HeaderValue::from(attempts));
    }
}

fn fidelity(headers: &mut HeaderMap, report: &Report) {
    if report.is_empty() {
        return;
    }
    let mut codes = report.header();
    if codes.len() > FIDELITY_HEADER {
        let cut = codes[..FIDELITY_HEADER].rfind(',').unwrap_or(0);
        codes.truncate(cut);
    }
    headers.insert(BRIDGE_FIDELITY, headers::value(&codes));
}
