//! Lists of conversations, and the search in them.
//!
//! What was said is sealed, so the search opens it here, conversation by conversation, the newest first. A page ends
//! when it is full or when enough was looked through; its cursor goes on from there.

use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};

use super::conversation_messages::content;
use super::conversations::{Keeper, KeptConversation, open};
use super::entities::conversation::{Column, Entity, Model};
use super::entities::conversation_message as message;
use super::request_list::Cursor;
use super::{Store, StoreError, Vault};
use crate::conversations::SpokenPart;

/// Bytes of messages that one page of a search opens at most, give or take a conversation.
const LOOKED_THROUGH: i64 = 32 << 20;
/// Rows that are read at once.
const PORTION: u64 = 50;
/// Longest words that are searched for, in characters.
const LONGEST_QUERY: usize = 200;

/// Which conversations are wanted; everything that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct ConversationFilter {
    /// Words in the title, the tags, or what was said, in whatever case.
    pub query: Option<String>,
    /// The model that it goes on with.
    pub model: Option<String>,
    /// A label.
    pub tag: Option<String>,
    /// `interface`, `gateway` or `import`.
    pub origin: Option<String>,
    /// The client key that it was recorded under.
    pub client_key_id: Option<String>,
}

/// A page of conversations.
#[derive(Clone, Debug)]
pub struct ConversationPage {
    /// The conversations, the newest first.
    pub items: Vec<KeptConversation>,
    /// Where the next page begins.
    pub next: Option<Cursor>,
}

/// What the rows of a page must hold once they are opened.
struct Wanted {
    words: Option<String>,
    tag: Option<String>,
}

impl ConversationFilter {
    fn condition(&self) -> Condition {
        let equal = |column: Column, value: &Option<String>| {
            value.as_ref().map(|value| column.eq(value.as_str()))
        };
        Condition::all()
            .add_option(equal(Column::Model, &self.model))
            .add_option(equal(Column::Origin, &self.origin))
            .add_option(equal(Column::ClientKeyId, &self.client_key_id))
    }

    fn wanted(&self) -> Wanted {
        let words = self.query.as_deref().map(str::trim);
        let words = words.filter(|words| !words.is_empty());
        let words = words.map(|words| words.to_lowercase().chars().take(LONGEST_QUERY).collect());
        Wanted {
            words,
            tag: self.tag.clone(),
        }
    }
}

impl Store {
    /// A page of conversations, those first in which something was said last.
    ///
    /// # Errors
    /// When the database is away, or the search takes too long.
    pub async fn conversations(
        &self,
        keeper: &Keeper,
        filter: &ConversationFilter,
        after: Option<Cursor>,
        limit: u64,
    ) -> Result<ConversationPage, StoreError> {
        let wanted = filter.wanted();
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let condition = filter.condition().add(keeper.condition());
        let mut page = ConversationPage {
            items: Vec::new(),
            next: after,
        };
        self.in_time(async |work| {
            let mut looked = 0;
            loop {
                let rows = portion(work, condition.clone(), page.next.as_ref()).await?;
                let is_last = (rows.len() as u64) < PORTION;
                let count = rows.len();
                for (place, row) in rows.into_iter().enumerate() {
                    let here = Cursor::of(row.updated_at, row.id.clone());
                    let kept = open(self.vault(), row)?;
                    if wanted.holds(work, self.vault(), &kept, &mut looked).await? {
                        page.items.push(kept);
                    }
                    page.next = Some(here);
                    let is_end = is_last && place + 1 == count;
                    if !is_end && (page.items.len() >= most || looked > LOOKED_THROUGH) {
                        return Ok(page);
                    }
                }
                if is_last {
                    page.next = None;
                    return Ok(page);
                }
            }
        })
        .await
    }
}

async fn portion(
    work: &impl ConnectionTrait,
    condition: Condition,
    after: Option<&Cursor>,
) -> Result<Vec<Model>, StoreError> {
    let mut query = Entity::find()
        .filter(condition)
        .order_by_desc(Column::UpdatedAt)
        .order_by_desc(Column::Id)
        .limit(PORTION);
    if let Some((at, id)) = after.map(Cursor::parts) {
        let same = Condition::all()
            .add(Column::UpdatedAt.eq(at))
            .add(Column::Id.lt(id));
        query = query.filter(Condition::any().add(Column::UpdatedAt.lt(at)).add(same));
    }
    Ok(query.all(work).await?)
}

impl Wanted {
    async fn holds(
        &self,
        work: &impl ConnectionTrait,
        vault: &Vault,
        kept: &KeptConversation,
        looked: &mut i64,
    ) -> Result<bool, StoreError> {
        let heading = &kept.heading;
        if let Some(tag) = &self.tag
            && !heading.tags.contains(tag)
        {
            return Ok(false);
        }
        let Some(words) = &self.words else {
            return Ok(true);
        };
        let over = std::iter::once(&heading.title).chain(&heading.tags);
        if over.chain(&heading.system).any(|text| has(text, words)) {
            return Ok(true);
        }
        *looked += kept.row.bytes;
        let mut after = -1;
        loop {
            let rows: Vec<(String, i64, String)> = message::Entity::find()
                .select_only()
                .column(message::Column::Id)
                .column(message::Column::Place)
                .column(message::Column::Sealed)
                .filter(message::Column::ConversationId.eq(kept.row.id.as_str()))
                .filter(message::Column::Place.gt(after))
                .order_by_asc(message::Column::Place)
                .limit(PORTION)
                .into_tuple()
                .all(work)
                .await?;
            for (id, place, sealed) in &rows {
                let content = content(vault, id, sealed)?;
                if content
                    .iter()
                    .flat_map(SpokenPart::words)
                    .any(|text| has(text, words))
                {
                    return Ok(true);
                }
                after = *place;
            }
            if (rows.len() as u64) < PORTION {
                return Ok(false);
            }
        }
    }
}

/// Whether a text holds words that are in lower case already.
fn has(text: &str, words: &str) -> bool {
    text.to_lowercase().contains(words)
}
