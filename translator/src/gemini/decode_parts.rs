//! Contents and parts to turns. Calls without an id get one that depends on their place alone, and
//! results find their call by id, by name, then by position.

use std::borrow::Cow;

use super::wire_request::{Blob, Call, CallResult, Content, File, Part};
use super::{base64, decode_request, encode_media, signatures};
use crate::Text;
use crate::ir::{self, Args, Kind, Role, Source, ToolCall, ToolResult, Turn, into_string};
use crate::json::{self, Writer};
use crate::wire::{OneOrMany, Raw, Str};

pub(super) fn turns<'a>(contents: OneOrMany<'a, Content<'a>>) -> Vec<Turn<'a>> {
    let contents = match contents {
        OneOrMany::One(text) => return vec![Turn::new(Role::User, vec![ir::Part::text(text)])],
        OneOrMany::Many(contents) => contents,
    };
    let mut calls = Calls::default();
    let mut out: Vec<Turn<'a>> = Vec::with_capacity(contents.len());
    for (index, content) in contents.into_iter().enumerate() {
        let role = role(content.role.as_ref());
        calls.enter(index, role);
        let parts = parts(content, &mut calls);
        match out.last_mut() {
            // Google's SDKs keep a content for each chunk of a streamed answer.
            Some(last) if role == Role::Assistant && last.role == role => {
                parts
                    .into_iter()
                    .for_each(|part| go_on(&mut last.parts, part));
            }
            _ => out.push(Turn::new(role, parts)),
        }
    }
    out
}

fn parts<'a>(content: Content<'a>, calls: &mut Calls<'a>) -> Vec<ir::Part<'a>> {
    let mut out = Vec::new();
    match content.parts {
        Some(OneOrMany::One(text)) => out.push(ir::Part::text(text)),
        Some(OneOrMany::Many(parts)) => {
            out.reserve(parts.len());
            for part in parts {
                read_part(part, calls, &mut out);
            }
        }
        None => {}
    }
    if let Some(text) = content.text {
        out.push(ir::Part::text(text));
    }
    out
}

/// Appends what a later chunk holds: words go on where those before them have stopped, unless there is state between.
fn go_on<'a>(parts: &mut Vec<ir::Part<'a>>, part: ir::Part<'a>) {
    if let Some(last) = parts.last_mut()
        && last.opaque.is_empty()
        && part.opaque.is_empty()
    {
        match (&mut last.kind, &part.kind) {
            (Kind::Text { text, .. }, Kind::Text { text: more, .. })
            | (Kind::Reasoning { text }, Kind::Reasoning { text: more }) => {
                let mut whole = std::mem::take(text).into_cow().into_owned();
                whole.push_str(&more.as_str());
                *text = Text::from(whole);
                return;
            }
            _ => {}
        }
    }
    parts.push(part);
}

fn role(role: Option<&Str<'_>>) -> Role {
    match role.map_or("", Str::as_str) {
        "model" | "assistant" | "MODEL" => Role::Assistant,
        "system" | "developer" => Role::System,
        _ => Role::User,
    }
}

/// The calls of the latest model turn that still wait for their result.
#[derive(Default)]
struct Calls<'a> {
    turn: usize,
    count: usize,
    open: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    in_model: bool,
}

impl<'a> Calls<'a> {
    fn enter(&mut self, turn: usize, role: Role) {
        let model = role == Role::Assistant;
        if model && !self.in_model {
            self.open.clear();
        }
        if role != Role::System {
            self.in_model = model;
        }
        self.turn = turn;
        self.count = 0;
    }

    fn call(&mut self, id: Option<Str<'a>>, name: &Cow<'a, str>) -> Cow<'a, str> {
        let id = id.filter(|id| !id.0.is_empty()).map_or_else(
            || Cow::Owned(format!("call_{}_{}", self.turn, self.count)),
            |id| id.0,
        );
        self.count += 1;
        self.open.push((id.clone(), name.clone()));
        id
    }

    fn result(&mut self, id: Option<Str<'a>>, name: &Cow<'a, str>) -> Cow<'a, str> {
        let given = id.filter(|id| !id.0.is_empty()).map(|id| id.0);
        let at = given
            .as_ref()
            .and_then(|given| self.open.iter().position(|(id, _)| id == given))
            .or_else(|| self.open.iter().position(|(_, own)| own == name))
            .or_else(|| (given.is_none() && !self.open.is_empty()).then_some(0));
        match (at, given) {
            (Some(at), _) => self.open.remove(at).0,
            (None, Some(given)) => given,
            (None, None) => {
                self.count += 1;
                Cow::Owned(format!("call_{}_{}", self.turn, self.count - 1))
            }
        }
    }
}

fn read_part<'a>(part: Part<'a>, calls: &mut Calls<'a>, out: &mut Vec<ir::Part<'a>>) {
    let start = out.len();
    let opaque = part
        .signature
        .map(|signature| signatures::read(signature.0))
        .unwrap_or_default();
    let detail = part
        .resolution
        .and_then(|raw| decode_request::detail(raw.get()));
    if let Some(text) = part.text {
        out.push(if part.thought == Some(true) {
            ir::Part::new(Kind::Reasoning { text })
        } else if text.is_empty() && !opaque.is_empty() {
            // An empty text only carries state.
            ir::Part::new(Kind::Reasoning {
                text: Text::default(),
            })
        } else {
            ir::Part::text(text)
        });
    } else if let Some(call) = part.call {
        out.push(read_call(call, calls));
    } else if let Some(result) = part.result {
        out.push(read_result(result, part.inline, part.file, calls));
    } else if let Some(blob) = part.inline {
        // Pictures of a thought are no part of the conversation.
        if part.thought != Some(true) {
            place(inline(blob, detail, part.video), out);
        }
    } else if let Some(file) = part.file {
        place(self::file(file, detail, part.video), out);
    } else if let Some(code) = part.code {
        out.push(server("executableCode", code));
    } else if let Some(result) = part.code_result {
        out.push(server("codeExecutionResult", result));
    } else if let Some(call) = part.tool_call {
        out.push(server("toolCall", call));
    } else if let Some(response) = part.tool_response {
        out.push(server("toolResponse", response));
    } else if !part.extra.is_empty() {
        out.push(other(&part.extra));
    }
    attach(opaque, start, out);
}

/// Media directly behind a result are what the tool gave: clients put them there.
fn place<'a>(media: Option<ir::Part<'a>>, out: &mut Vec<ir::Part<'a>>) {
    let Some(media) = media else { return };
    match out.last_mut() {
        Some(ir::Part {
            kind: Kind::ToolResult(result),
            ..
        }) => result.content.push(media),
        _ => out.push(media),
    }
}

/// Puts state where it belongs: the vendor's own on the part itself, that of others on a reasoning part
/// before it.
fn attach<'a>(opaque: Vec<ir::Opaque<'a>>, start: usize, out: &mut Vec<ir::Part<'a>>) {
    if opaque.is_empty() {
        return;
    }
    let reasoning = |opaque| {
        let mut part = ir::Part::new(Kind::Reasoning {
            text: Text::default(),
        });
        part.opaque = opaque;
        part
    };
    let Some(part) = out.get_mut(start) else {
        out.push(reasoning(opaque));
        return;
    };
    if matches!(part.kind, Kind::Reasoning { .. }) {
        part.opaque = opaque;
        return;
    }
    let (own, foreign): (Vec<_>, Vec<_>) = opaque
        .into_iter()
        .partition(|state| state.kind == ir::OpaqueKind::Signature);
    part.opaque = own;
    if !foreign.is_empty() {
        out.insert(start, reasoning(foreign));
    }
}

fn read_call<'a>(call: Call<'a>, calls: &mut Calls<'a>) -> ir::Part<'a> {
    let name = call.name.unwrap_or_default().0;
    let id = calls.call(call.id, &name);
    let args = call.args.map_or("{}", Raw::get);
    let args = if args.starts_with('{') {
        Args::Object(args.into())
    } else {
        Args::Text(Text::borrowed(args))
    };
    ir::Part::new(Kind::ToolCall(ToolCall {
        id,
        name,
        namespace: None,
        args,
    }))
}

fn read_result<'a>(
    result: CallResult<'a>,
    inline: Option<Blob<'a>>,
    file: Option<File<'a>>,
    calls: &mut Calls<'a>,
) -> ir::Part<'a> {
    let name = result.name.unwrap_or_default().0;
    let id = calls.result(result.id, &name);
    let (text, is_error) = result
        .response
        .map_or((Text::default(), false), |raw| result_text(raw.get()));
    let mut content = Vec::new();
    if !text.is_empty() {
        content.push(ir::Part::text(text));
    }
    if let Some(OneOrMany::Many(parts)) = result.parts {
        for part in parts {
            content.extend(part.inline.and_then(|blob| self::inline(blob, None, None)));
            content.extend(part.file.and_then(|file| self::file(file, None, None)));
            content.extend(part.text.map(ir::Part::text));
        }
    }
    content.extend(inline.and_then(|blob| self::inline(blob, None, None)));
    content.extend(file.and_then(|file| self::file(file, None, None)));
    ir::Part::new(Kind::ToolResult(ToolResult {
        id,
        name: Some(name),
        content,
        is_error,
        freeform: false,
    }))
}

/// The words of a result: the one text member if there is nothing else, else the object as JSON.
pub(super) fn result_text(raw: &str) -> (Text<'_>, bool) {
    if raw.starts_with('"') {
        return (Text::Json(raw), false);
    }
    let mut members = json::members(raw);
    let first = members.next();
    let single = members.next().is_none();
    if let Some(error) = json::member(raw, "error").filter(|error| *error != "null") {
        return (literal_or_compact(error), true);
    }
    if let (Some((key, range)), true) = (first, single)
        && matches!(&*key, "output" | "result")
        && raw[range.clone()].starts_with('"')
    {
        return (Text::Json(&raw[range]), false);
    }
    // Some clients repeat the tool's name beside the words.
    let mut keys = json::members(raw).map(|(key, _)| key);
    if let (Some("name"), Some("content"), None) =
        (keys.next().as_deref(), keys.next().as_deref(), keys.next())
        && let Some(content) = json::member(raw, "content").filter(|raw| raw.starts_with('"'))
    {
        return (Text::Json(content), false);
    }
    (Text::Plain(json::compact(raw)), false)
}

fn literal_or_compact(raw: &str) -> Text<'_> {
    if raw.starts_with('"') {
        Text::Json(raw)
    } else {
        Text::Plain(json::compact(raw))
    }
}

fn inline<'a>(
    blob: Blob<'a>,
    detail: Option<ir::Detail>,
    video: Option<Raw<'a>>,
) -> Option<ir::Part<'a>> {
    let data = base64::standard_text(blob.data?);
    let mime = blob
        .mime
        .map_or(Cow::Borrowed("application/octet-stream"), |mime| mime.0);
    let kind = mime.clone();
    Some(media(
        Some(&*kind),
        Source::Base64 { mime, data },
        blob.name,
        detail,
        video,
    ))
}

fn file<'a>(
    file: File<'a>,
    detail: Option<ir::Detail>,
    video: Option<Raw<'a>>,
) -> Option<ir::Part<'a>> {
    let uri = file.uri?;
    let mime = file.mime.map(|mime| mime.0);
    let stored =
        uri.as_str().contains("generativelanguage.googleapis.com") || !uri.as_str().contains("://");
    let film = encode_media::FILMS
        .iter()
        .any(|site| uri.as_str().contains(site));
    let source = if stored {
        Source::File {
            id: uri,
            mime: mime.clone(),
        }
    } else {
        Source::Url {
            url: uri,
            mime: mime.clone(),
        }
    };
    let kind = mime.as_deref().or(film.then_some("video/*"));
    Some(media(kind, source, file.name, detail, video))
}

fn media<'a>(
    mime: Option<&str>,
    source: Source<'a>,
    title: Option<Text<'a>>,
    detail: Option<ir::Detail>,
    video: Option<Raw<'a>>,
) -> ir::Part<'a> {
    let family = mime.and_then(|mime| mime.split('/').next()).unwrap_or("");
    ir::Part::new(match family {
        "image" => Kind::Image { source, detail },
        "audio" => Kind::Audio { source },
        "video" => Kind::Video {
            source,
            metadata: video.map(|raw| raw.get().into()),
        },
        _ if video.is_some() => Kind::Video {
            source,
            metadata: video.map(|raw| raw.get().into()),
        },
        _ => Kind::Document {
            source,
            title,
            context: None,
            citations: false,
        },
    })
}

/// A part with one raw member, and what it says in words.
pub(super) fn server<'a>(member: &'static str, raw: Raw<'a>) -> ir::Part<'a> {
    let (summary, raw) = server_step(member, raw.get());
    ir::Part::new(Kind::ServerTool {
        summary,
        raw: raw.into(),
    })
}

/// The words and the native part of a step that the vendor ran.
pub(super) fn server_step<'a>(member: &'static str, raw: &'a str) -> (Text<'a>, String) {
    let mut part = Vec::with_capacity(raw.len() + member.len() + 8);
    Writer::new(&mut part).object(|w| w.raw(member, raw));
    let text = |key| {
        json::member(raw, key)
            .filter(|raw| raw.starts_with('"'))
            .map(|raw| Text::Json(raw).into_cow())
    };
    let summary = match member {
        "executableCode" => text("code").map(|code| format!("[code run: {code}]")),
        "codeExecutionResult" => text("output").map(|output| format!("[code output: {output}]")),
        _ => None,
    };
    (
        summary.map(Text::from).unwrap_or_default(),
        into_string(part),
    )
}

fn other<'a>(extra: &[(Cow<'a, str>, Raw<'a>)]) -> ir::Part<'a> {
    let mut raw = Vec::new();
    Writer::new(&mut raw).object(|w| {
        for (key, value) in extra {
            w.raw(key, value.get());
        }
    });
    let tag = extra
        .first()
        .map(|(key, _)| key.clone())
        .unwrap_or_default();
    ir::Part::new(Kind::Other {
        tag,
        text: None,
        raw: into_string(raw).into(),
    })
}
