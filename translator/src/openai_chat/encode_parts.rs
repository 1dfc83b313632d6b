//! Content parts, written.
//!
//! Parts are first reduced to the few pieces that the dialect has; then it is clear whether a plain string will do.

use std::borrow::Cow;

use super::decode_parts::decoded;
use super::encode_request::{Draft, borrow};
use crate::ir::{CacheMark, Detail, Kind, Part, Source};
use crate::json::Writer;
use crate::member::Member;
use crate::{Dialect, Text};

/// A part as this dialect has it.
pub(super) enum Piece<'p> {
    Text(Text<'p>, Option<CacheMark>),
    Image {
        url: Url<'p>,
        detail: Option<&'static str>,
        mark: Option<CacheMark>,
    },
    File {
        data: Url<'p>,
        name: Text<'p>,
        mark: Option<CacheMark>,
    },
    FileId {
        id: Text<'p>,
        mark: Option<CacheMark>,
    },
    Audio {
        data: Text<'p>,
        format: &'static str,
        mark: Option<CacheMark>,
    },
    Raw(&'p str),
}

/// A URL, or what a data URL is made of.
pub(super) enum Url<'p> {
    Plain(Text<'p>),
    Data { mime: &'p str, data: Text<'p> },
}

impl Piece<'_> {
    pub(super) const fn is_text(&self) -> bool {
        matches!(self, Self::Text(..))
    }
}

impl Draft<'_> {
    /// Reduces parts to pieces. What has no form here is reported or refused.
    pub(super) fn pieces<'p>(&mut self, parts: &'p [Part<'p>], out: &mut Vec<Piece<'p>>) {
        for part in parts {
            let mark = if self.capability.cache_marks {
                part.cache
            } else {
                None
            };
            match &part.kind {
                Kind::Text { text, .. } | Kind::Refusal(text) => {
                    if !text.is_empty() {
                        out.push(Piece::Text(borrow(text), mark));
                    }
                }
                Kind::Image { source, detail } => out.extend(self.image(source, *detail, mark)),
                Kind::Document {
                    source,
                    title,
                    context,
                    citations,
                } => {
                    if context.is_some() {
                        self.report.dropped(
                            self.member(Member::Context),
                            "a document's context has no counterpart",
                        );
                    }
                    if *citations {
                        self.report.dropped(
                            self.member(Member::Citations),
                            "the model does not cite documents",
                        );
                    }
                    self.document(source, title.as_ref(), mark, out);
                }
                Kind::Audio { source } => out.extend(self.audio(source, mark)),
                Kind::Video { .. } => self.refuse(
                    Member::Content,
                    "Chat Completions takes no video: leave it out",
                ),
                Kind::ServerTool { summary, .. } => {
                    self.report.emulated(
                        self.member(Member::Content),
                        "steps of vendor tools were rendered as text",
                    );
                    if !summary.is_empty() {
                        out.push(Piece::Text(borrow(summary), mark));
                    }
                }
                Kind::Other { raw, text, .. } => self.other(raw, text.as_ref(), mark, out),
                Kind::Reasoning { .. } | Kind::ToolCall(_) | Kind::ToolResult(_) => {}
            }
        }
    }

    fn other<'p>(
        &mut self,
        raw: &'p str,
        text: Option<&'p Text<'p>>,
        mark: Option<CacheMark>,
        out: &mut Vec<Piece<'p>>,
    ) {
        if self.is_native() {
            out.push(Piece::Raw(raw));
            return;
        }
        if let Some(text) = text {
            out.push(Piece::Text(borrow(text), mark));
        } else {
            self.report.dropped(
                self.member(Member::Content),
                "a part of an unknown type was left out",
            );
        }
    }

    fn image<'p>(
        &mut self,
        source: &'p Source<'p>,
        detail: Option<Detail>,
        mark: Option<CacheMark>,
    ) -> Option<Piece<'p>> {
        if !self.capability.images {
            self.refuse(
                Member::Content,
                "this model does not accept images: leave them out or choose another",
            );
            return None;
        }
        let url = match source {
            Source::Base64 { mime, data } => Url::Data {
                mime,
                data: borrow(data),
            },
            Source::Url { url, .. } if url.as_str().starts_with("gs://") => {
                let message = format!(
                    "{} cannot be fetched by this provider: send the image itself",
                    url.as_str()
                );
                self.refuse(Member::Content, message);
                return None;
            }
            Source::Url { url, .. } => Url::Plain(borrow(url)),
            Source::File { id, .. } => {
                let message = format!(
                    "file {} lives at another provider: send the image itself",
                    id.as_str()
                );
                self.refuse(Member::Content, message);
                return None;
            }
            Source::Text(_) | Source::Parts(_) => return None,
        };
        let detail = detail.map(|detail| match detail {
            Detail::Auto | Detail::Medium => "auto",
            Detail::Low => "low",
            Detail::Original if self.capability.openai_members => "original",
            Detail::High | Detail::Original => "high",
        });
        Some(Piece::Image { url, detail, mark })
    }

    fn document<'p>(
        &mut self,
        source: &'p Source<'p>,
        title: Option<&'p Text<'p>>,
        mark: Option<CacheMark>,
        out: &mut Vec<Piece<'p>>,
    ) {
        match source {
            Source::Base64 { mime, data } if mime.starts_with("text/") => match decoded(data) {
                Some(text) => out.push(Piece::Text(self.wrapped(&text, title), mark)),
                None => self.refuse(
                    Member::Content,
                    format!("a {mime} document is not valid base64 of UTF-8 text"),
                ),
            },
            Source::Base64 { mime, data } => {
                let name = title
                    .filter(|title| !title.is_empty())
                    .map_or_else(|| file_name(mime), borrow);
                out.push(Piece::File {
                    data: Url::Data {
                        mime,
                        data: borrow(data),
                    },
                    name,
                    mark,
                });
            }
            Source::Text(text) => out.push(Piece::Text(self.wrapped(&text.as_str(), title), mark)),
            Source::Parts(parts) => {
                self.report.emulated(
                    self.member(Member::Content),
                    "documents made of parts were put in line",
                );
                let title = title.filter(|title| !title.is_empty());
                if let Some(title) = title {
                    out.push(Piece::Text(Text::from(opening(title)), None));
                }
                self.pieces(parts, out);
                if title.is_some() {
                    out.push(Piece::Text(Text::borrowed("</document>"), None));
                }
            }
            Source::File { id, .. }
                if matches!(
                    self.request.dialect,
                    Dialect::OpenAiChat | Dialect::OpenAiResponses
                ) =>
            {
                out.push(Piece::FileId {
                    id: borrow(id),
                    mark,
                });
            }
            Source::File { id, .. } => {
                let message = format!(
                    "file {} lives at another provider: send the document itself",
                    id.as_str()
                );
                self.refuse(Member::Content, message);
            }
            Source::Url { .. } => {
                let message = "Chat Completions takes no documents by URL: send the document itself as base64";
                self.refuse(Member::Content, message);
            }
        }
    }

    /// A text document, in a wrapper that shows where it begins and ends.
    fn wrapped(&mut self, text: &str, title: Option<&Text<'_>>) -> Text<'static> {
        self.report.emulated(
            self.member(Member::Content),
            "text documents were put in line",
        );
        Text::from(match title.filter(|title| !title.is_empty()) {
            Some(title) => format!("{}\n{text}\n</document>", opening(title)),
            None => format!("<document>\n{text}\n</document>"),
        })
    }

    fn audio<'p>(&mut self, source: &'p Source<'p>, mark: Option<CacheMark>) -> Option<Piece<'p>> {
        let Source::Base64 { mime, data } = source else {
            self.refuse(
                Member::Content,
                "Chat Completions takes audio as base64 only: send the audio itself",
            );
            return None;
        };
        let format = match mime.as_ref() {
            "audio/wav" | "audio/x-wav" | "audio/wave" | "audio/vnd.wave" => "wav",
            "audio/mpeg" | "audio/mp3" => "mp3",
            other => {
                self.refuse(
                    Member::Content,
                    format!("Chat Completions takes wav and mp3 audio, not {other}"),
                );
                return None;
            }
        };
        Some(Piece::Audio {
            data: borrow(data),
            format,
            mark,
        })
    }

    /// Writes `content`: a string when one text is all there is, a list otherwise.
    pub(super) fn content(&mut self, pieces: &[Piece<'_>], w: &mut Writer<'_>) {
        match pieces {
            [] => w.str("content", ""),
            [Piece::Text(text, None)] => w.text("content", text),
            _ if self.capability.string_content => self.string_content(pieces, w),
            // Many compatible servers and chat templates join strings and know no lists.
            _ if !self.capability.openai_members
                && !self.is_native()
                && pieces
                    .iter()
                    .all(|piece| matches!(piece, Piece::Text(_, None))) =>
            {
                self.string_content(pieces, w);
            }
            _ => w.array_in("content", |w| {
                pieces.iter().for_each(|piece| self.piece(piece, w));
            }),
        }
    }

    fn string_content(&mut self, pieces: &[Piece<'_>], w: &mut Writer<'_>) {
        let gap = Text::borrowed("\n\n");
        if !pieces.iter().all(Piece::is_text) {
            self.refuse(
                Member::Content,
                "this server takes text only: leave images, files and sounds out",
            );
        }
        let mut all: Vec<&Text<'_>> = Vec::with_capacity(pieces.len() * 2);
        for piece in pieces {
            if let Piece::Text(text, _) = piece {
                if !all.is_empty() {
                    all.push(&gap);
                }
                all.push(text);
            }
        }
        w.concat("content", &all);
    }

    pub(super) fn piece(&mut self, piece: &Piece<'_>, w: &mut Writer<'_>) {
        if let Piece::Raw(raw) = piece {
            return w.item_raw(raw);
        }
        w.object(|w| {
            let mark = match piece {
                Piece::Text(text, mark) => {
                    w.str("type", "text");
                    w.text("text", text);
                    *mark
                }
                Piece::Image { url, detail, mark } => {
                    w.str("type", "image_url");
                    w.object_in("image_url", |w| {
                        write_url("url", url, w);
                        if let Some(detail) = detail {
                            w.str("detail", detail);
                        }
                    });
                    *mark
                }
                Piece::File { data, name, mark } => {
                    w.str("type", "file");
                    w.object_in("file", |w| {
                        w.text("filename", name);
                        write_url("file_data", data, w);
                    });
                    *mark
                }
                Piece::FileId { id, mark } => {
                    w.str("type", "file");
                    w.object_in("file", |w| w.text("file_id", id));
                    *mark
                }
                Piece::Audio { data, format, mark } => {
                    w.str("type", "input_audio");
                    w.object_in("input_audio", |w| {
                        w.text("data", data);
                        w.str("format", format);
                    });
                    *mark
                }
                Piece::Raw(_) => None,
            };
            self.mark(mark, w);
        });
    }

    /// Writes a cache mark, unless it is one of the early ones beyond the limit.
    fn mark(&mut self, mark: Option<CacheMark>, w: &mut Writer<'_>) {
        let Some(mark) = mark else { return };
        if self.marks_to_skip > 0 {
            self.marks_to_skip -= 1;
            return;
        }
        w.object_in("prompt_cache_breakpoint", |w| {
            w.str("mode", "explicit");
            if mark.ttl == Some(43_200) {
                w.str("ttl", "12h");
            }
        });
    }
}

fn write_url(key: &'static str, url: &Url<'_>, w: &mut Writer<'_>) {
    match url {
        Url::Plain(url) => w.text(key, url),
        Url::Data { mime, data } => {
            let (head, mime, tail) = (
                Text::borrowed("data:"),
                Text::borrowed(mime),
                Text::borrowed(";base64,"),
            );
            w.concat(key, &[&head, &mime, &tail, data]);
        }
    }
}

/// The service wants a file name with inline data.
fn file_name(mime: &str) -> Text<'static> {
    let extension = match mime {
        "application/pdf" => "pdf",
        "application/json" => "json",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => "docx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "xlsx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation" => "pptx",
        _ => "bin",
    };
    Text::Plain(Cow::Owned(format!("document.{extension}")))
}

/// Where a document with a title begins.
fn opening(title: &Text<'_>) -> String {
    format!("<document title=\"{}\">", title.as_str().replace('"', "'"))
}
