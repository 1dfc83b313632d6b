//! Conversations as they go through the hub: an exchange is appended where it belongs, or begins a new one.

use sea_orm::{
    ColumnTrait as _, Condition, DatabaseTransaction, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::conversation_messages::{add, claim, trim};
use super::conversations::{Keeper, fresh, insert, remove_all, seal};
use super::entities::conversation::{Column, Entity, Model};
use super::{ConversationChange, Origin, Store, StoreError, now_ms};
use crate::conversations::{
    ArchivedMessage, Exchange, Heading, KeptBounds, LOOKED_BACK, Spoken, threads, title,
};

impl Store {
    /// Keeps what was said in an exchange: what the conversation that it goes on with does not have yet. Where a person
    /// has as many conversations as there may be, the recorded one in which nothing was said for the longest time goes.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn record_exchange(
        &self,
        exchange: &Exchange,
        spoken: Spoken,
        bounds: &KeptBounds,
    ) -> Result<(), StoreError> {
        let owner = exchange.owner.clone().unwrap_or_default();
        let digests = threads(spoken.before.iter().chain([&spoken.answer]));
        let work = self.begin().await?;
        let found = continued(&work, &exchange.scope, &owner, &digests).await?;
        let (mut row, known) = match found {
            Some((row, known)) => {
                let keeper = Keeper {
                    owner: owner.clone(),
                    and_nobodys: false,
                };
                (claim(&work, &keeper, &row.id).await?, known)
            }
            None => {
                make_room(&work, &owner, bounds).await?;
                (self.begun(&work, exchange, &owner, &spoken).await?, 0)
            }
        };
        row.thread = digests.last().cloned();
        row.model = Some(exchange.model_asked.chars().take(255).collect());
        row.dialect = Some(exchange.answered_in.as_str().to_owned());
        row.updated_at = now_ms();
        let new: Vec<ArchivedMessage> = spoken
            .before
            .into_iter()
            .skip(known)
            .chain([spoken.answer])
            .collect();
        add(&work, self.vault(), &mut row, &new).await?;
        trim(&work, &mut row, bounds).await?;
        name(&work, &row).await?;
        work.commit().await?;
        Ok(())
    }

    async fn begun(
        &self,
        work: &DatabaseTransaction,
        exchange: &Exchange,
        owner: &str,
        spoken: &Spoken,
    ) -> Result<Model, StoreError> {
        let change = ConversationChange {
            heading: Heading {
                title: title(&spoken.before).unwrap_or_default(),
                system: spoken.system.clone(),
                tags: Vec::new(),
            },
            model: None,
            dialect: None,
        };
        let mut row = fresh(self.vault(), owner, Origin::Gateway, &change);
        row.client_key_id = Some(exchange.scope.clone());
        row.sealed = seal(self.vault(), &row.id, &change.heading);
        insert(work, &row).await?;
        Ok(row)
    }

    /// How many conversations were recorded of somebody.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn count_recorded(&self, keeper: &Keeper) -> Result<u64, StoreError> {
        let recorded = Entity::find()
            .filter(keeper.condition())
            .filter(Column::Origin.eq(Origin::Gateway.as_str()));
        Ok(recorded.count(self.read()).await?)
    }

    /// Removes what was recorded of somebody, of one client key where it is given. Returns how many conversations went.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn forget_recorded(
        &self,
        keeper: &Keeper,
        scope: Option<&str>,
    ) -> Result<u64, StoreError> {
        let condition = Condition::all()
            .add(keeper.condition())
            .add(Column::Origin.eq(Origin::Gateway.as_str()))
            .add_option(scope.map(|scope| Column::ClientKeyId.eq(scope)));
        self.remove_where(condition).await
    }
}

/// The conversation that a request goes on with, and how many of the request's messages it has.
async fn continued(
    work: &DatabaseTransaction,
    scope: &str,
    owner: &str,
    digests: &[String],
) -> Result<Option<(Model, usize)>, StoreError> {
    // The last digest has the new answer in it.
    let before = &digests[..digests.len().saturating_sub(1)];
    let recent: Vec<&String> = before.iter().rev().take(LOOKED_BACK).collect();
    if recent.is_empty() {
        return Ok(None);
    }
    let rows = Entity::find()
        .filter(Column::ClientKeyId.eq(scope))
        .filter(Column::OwnerId.eq(owner))
        .filter(Column::Thread.is_in(recent.iter().map(|digest| digest.as_str())))
        .order_by_desc(Column::UpdatedAt)
        .limit(LOOKED_BACK as u64)
        .all(work)
        .await?;
    let place = |row: &Model| {
        let thread = row.thread.as_ref()?;
        before.iter().rposition(|digest| digest == thread)
    };
    let longest = rows
        .into_iter()
        .filter_map(|row| place(&row).map(|place| (row, place + 1)))
        .max_by_key(|(_, known)| *known);
    Ok(longest)
}

/// The oldest recorded conversation goes where there are as many as there may be.
async fn make_room(
    work: &DatabaseTransaction,
    owner: &str,
    bounds: &KeptBounds,
) -> Result<(), StoreError> {
    if bounds.count == 0 {
        return Ok(());
    }
    let own = Entity::find().filter(Column::OwnerId.eq(owner));
    if own.clone().count(work).await? < bounds.count {
        return Ok(());
    }
    let oldest: Option<String> = own
        .filter(Column::Origin.eq(Origin::Gateway.as_str()))
        .select_only()
        .column(Column::Id)
        .order_by_asc(Column::UpdatedAt)
        .into_tuple()
        .one(work)
        .await?;
    let Some(oldest) = oldest else {
        return Err(StoreError::Full(bounds.count));
    };
    remove_all(work, &[oldest]).await?;
    Ok(())
}

/// Writes what tells a recorded conversation apart.
async fn name(work: &DatabaseTransaction, row: &Model) -> Result<(), StoreError> {
    Entity::update_many()
        .col_expr(Column::Thread, row.thread.clone().into())
        .col_expr(Column::Model, row.model.clone().into())
        .col_expr(Column::Dialect, row.dialect.clone().into())
        .filter(Column::Id.eq(row.id.as_str()))
        .exec(work)
        .await?;
    Ok(())
}
