//! Whether the hub has been set up, for whoever opens it for the first time.

use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};

use super::Admin;
use super::person::Role;
use super::problem::Answer;
use crate::store::entities::user::{Column, Entity};

/// Whether the hub has been set up.
#[derive(Object)]
struct SetUp {
    /// Whether an administrator has chosen a password. Until then the one that the first start printed is
    /// the way in.
    complete: bool,
}

/// The resource.
pub(super) struct Setup(pub(super) Admin);

#[OpenApi(prefix_path = "/api/setup")]
impl Setup {
    /// Whether the hub has been set up
    #[oai(path = "/", method = "get", operation_id = "setup_get")]
    async fn get(&self) -> Answer<Json<SetUp>> {
        let admins = Entity::find()
            .filter(Column::Role.eq(Role::Admin.as_str()))
            .filter(Column::Enabled.eq(true))
            .filter(Column::MustChangePassword.eq(false))
            .count(self.0.control.store().read())
            .await?;
        Ok(Json(SetUp {
            complete: admins > 0,
        }))
    }
}
