//! Route rules: which requests go where.

use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::Admin;
use super::definition;
use super::known::Known;
use super::owned::{Gone, One, Origin, read_only};
use super::page::{Page, Range};
use super::person::{Identity, Role, Session};
use super::problem::{Answer, Problem};
use super::route_entry::{Route, RouteEntry};
use super::route_order::{Placed, moved};
use super::route_warning::warnings;
use crate::config::{Kind, RouteSettings};
use crate::control::Assembly;
use crate::snapshot::Source;
use crate::store::definitions::{named, replace};
use crate::store::entities::definition::Model;

/// Where to put a rule: one of the three.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Move {
    /// Before the rule of this name.
    before: Option<String>,
    /// Behind the rule of this name.
    after: Option<String>,
    /// At this priority.
    #[oai(validator(
        minimum(value = "-9007199254740991"),
        maximum(value = "9007199254740991")
    ))]
    priority: Option<i64>,
}

/// The resource.
pub(super) struct Routes(pub(super) Admin);

fn given<'a>(in_force: &'a Assembly, name: &str) -> Option<&'a RouteSettings> {
    in_force
        .settings
        .routes
        .iter()
        .find(|route| route.name == name && route.source != Source::Database)
}

fn in_force_of<'a>(in_force: &'a Assembly, name: &str) -> Option<&'a RouteSettings> {
    let mut routes = in_force.settings.routes.iter();
    routes.find(|route| route.name == name && route.source == Source::Database)
}

impl Routes {
    fn changeable(&self, name: &str) -> Answer<()> {
        match given(&self.0.control.in_force(), name) {
            Some(route) => Err(read_only("route", name, route.source, &route.place)),
            None => Ok(()),
        }
    }

    fn shown(&self, row: &Model) -> Route {
        let in_force = self.0.control.in_force();
        let mut warnings = warnings(&in_force.settings);
        let origin = match given(&in_force, &row.name) {
            Some(route) => Origin::hidden(row, &in_force, &route.place),
            None => Origin::defined(row, &in_force),
        };
        Route {
            entry: RouteEntry::of_row(row, in_force_of(&in_force, &row.name)),
            origin,
            warnings: warnings.remove(&row.name).unwrap_or_default(),
        }
    }

    fn one(&self, row: &Model) -> One<Route> {
        let route = self.shown(row);
        let etag = route.origin.etag();
        One::Ok(Json(route), etag)
    }

    /// All rules.
    async fn all(&self) -> Answer<Vec<Route>> {
        let in_force = self.0.control.in_force();
        let mut warnings = warnings(&in_force.settings);
        let mut all: Vec<Route> = Vec::new();
        for route in &in_force.settings.routes {
            if route.source != Source::Database {
                all.push(Route {
                    entry: RouteEntry::of(route),
                    origin: Origin::given(route.source, &route.place),
                    warnings: warnings.remove(&route.name).unwrap_or_default(),
                });
            }
        }
        for row in definition::all_of(&self.0, Kind::Route).await? {
            if given(&in_force, &row.name).is_none() {
                all.push(Route {
                    entry: RouteEntry::of_row(&row, in_force_of(&in_force, &row.name)),
                    origin: Origin::defined(&row, &in_force),
                    warnings: warnings.remove(&row.name).unwrap_or_default(),
                });
            }
        }
        Ok(all)
    }

    async fn switch(&self, who: &Identity, name: &str, on: bool) -> Answer<One<Route>> {
        self.changeable(name)?;
        let row = definition::switch(&self.0, who, Kind::Route, name, on).await?;
        Ok(self.one(&row))
    }

    /// The rules as they are looked at.
    async fn order(&self) -> Answer<Vec<Placed>> {
        let mut all: Vec<Placed> = self
            .all()
            .await?
            .into_iter()
            .map(|route| Placed {
                is_fixed: route.origin.source != "database",
                name: route.entry.name,
                priority: route.entry.priority,
            })
            .collect();
        // Stable: rules of files stay as written.
        all.sort_by(|a, b| {
            let by_name = if a.is_fixed {
                std::cmp::Ordering::Equal
            } else {
                a.name.cmp(&b.name)
            };
            (a.priority, !a.is_fixed)
                .cmp(&(b.priority, !b.is_fixed))
                .then(by_name)
        });
        Ok(all)
    }
}

/// A key that sorts as rules are looked at.
fn order_key(route: &Route, place: usize) -> String {
    let tail = if route.origin.source == "database" {
        format!("1/{}", route.entry.name)
    } else {
        format!("0/{place:06}")
    };
    definition::order_key(route.entry.priority, &tail)
}

/// The priorities that change when a rule is put there; where there is no room, the nearest place that has some.
fn put(order: &[Placed], name: &str, index: usize) -> Answer<Vec<(String, i64)>> {
    moved(order, name, index).ok_or_else(|| {
        let others = order.iter().filter(|rule| rule.name != name);
        let nearest = others
            .enumerate()
            .take(index)
            .filter(|(place, _)| moved(order, name, *place).is_some())
            .last();
        let elsewhere = nearest.map_or_else(String::new, |(_, rule)| {
            format!("move the route before `{}`, or ", rule.name)
        });
        Problem::conflict(
            "no_room",
            format!(
                "the rules there are a file's or the demonstration's and leave no priority free: \
                 {elsewhere}change those of the file"
            ),
        )
    })
}

#[OpenApi(prefix_path = "/api/routes")]
impl Routes {
    /// List routes
    ///
    /// In the order in which they are looked at, those of files too.
    #[oai(path = "/", method = "get", operation_id = "routes_list")]
    async fn list(
        &self,
        session: Session,
        cursor: Query<Option<String>>,
        limit: Query<Option<u64>>,
        search: Query<Option<String>>,
    ) -> Answer<Json<Page<Route>>> {
        session.at_least(Role::Viewer)?;
        let range = Range::of(cursor.0, limit.0)?;
        let mut keyed: Vec<(String, Route)> = self
            .all()
            .await?
            .into_iter()
            .enumerate()
            .map(|(place, route)| (order_key(&route, place), route))
            .collect();
        if let Some(search) = search.0.as_deref() {
            keyed.retain(|(_, route)| route.entry.name.contains(search));
        }
        Ok(Json(range.cut_keyed(keyed)))
    }

    /// Make a route
    #[oai(path = "/", method = "post", operation_id = "routes_create")]
    async fn create(
        &self,
        session: Session,
        body: Json<Known<RouteEntry, Route>>,
    ) -> Answer<One<Route>> {
        let who = session.at_least(Role::Operator)?;
        self.changeable(&body.name)?;
        let row = definition::create(&self.0, who, Kind::Route, body.wanted()).await?;
        let route = self.shown(&row);
        let etag = route.origin.etag();
        Ok(One::Created(Json(route), etag))
    }

    /// Read a route
    #[oai(path = "/:name", method = "get", operation_id = "routes_get")]
    async fn get(&self, session: Session, name: Path<String>) -> Answer<One<Route>> {
        session.at_least(Role::Viewer)?;
        let in_force = self.0.control.in_force();
        if let Some(route) = given(&in_force, &name) {
            let warnings = warnings(&in_force.settings).remove(&name.0);
            let route = Route {
                entry: RouteEntry::of(route),
                origin: Origin::given(route.source, &route.place),
                warnings: warnings.unwrap_or_default(),
            };
            return Ok(One::Ok(Json(route), None));
        }
        let row = definition::find(&self.0, Kind::Route, &name).await?;
        Ok(self.one(&row))
    }

    /// Replace a route
    #[oai(path = "/:name", method = "put", operation_id = "routes_update")]
    async fn update(
        &self,
        session: Session,
        name: Path<String>,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
        body: Json<Known<RouteEntry, Route>>,
    ) -> Answer<One<Route>> {
        let who = session.at_least(Role::Operator)?;
        self.changeable(&name)?;
        if body.name != name.0 {
            self.changeable(&body.name)?;
        }
        let wanted = body.wanted();
        let tag = if_match.0.as_deref();
        let row = definition::update(&self.0, who, Kind::Route, &name, tag, wanted).await?;
        Ok(self.one(&row))
    }

    /// Remove a route
    #[oai(path = "/:name", method = "delete", operation_id = "routes_delete")]
    async fn delete(
        &self,
        session: Session,
        name: Path<String>,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
    ) -> Answer<Gone> {
        let who = session.at_least(Role::Operator)?;
        self.changeable(&name)?;
        definition::delete(&self.0, who, Kind::Route, &name, if_match.0.as_deref()).await?;
        Ok(Gone::Done)
    }

    /// Put a route in force
    #[oai(
        path = "/:name/enable",
        method = "post",
        operation_id = "routes_enable"
    )]
    async fn enable(&self, session: Session, name: Path<String>) -> Answer<One<Route>> {
        let who = session.at_least(Role::Operator)?;
        self.switch(who, &name, true).await
    }

    /// Take a route out of force
    #[oai(
        path = "/:name/disable",
        method = "post",
        operation_id = "routes_disable"
    )]
    async fn disable(&self, session: Session, name: Path<String>) -> Answer<One<Route>> {
        let who = session.at_least(Role::Operator)?;
        self.switch(who, &name, false).await
    }

    /// Move a route among the others
    ///
    /// Priorities of other routes change where there is no room; those of files never do.
    #[oai(path = "/:name/move", method = "post", operation_id = "routes_move")]
    async fn shift(
        &self,
        session: Session,
        name: Path<String>,
        body: Json<Move>,
    ) -> Answer<One<Route>> {
        let who = session.at_least(Role::Operator)?;
        self.changeable(&name)?;
        let order = self.order().await?;
        let others = || order.iter().filter(|rule| rule.name != name.0);
        let place_of = |wanted: &str| {
            others()
                .position(|rule| rule.name == *wanted)
                .ok_or_else(|| {
                    Problem::invalid(
                        "before",
                        format!("there is no other route `{wanted}`"),
                        "name another route",
                    )
                })
        };
        let changes = match &body.0 {
            Move {
                priority: Some(priority),
                ..
            } => vec![(name.0.clone(), *priority)],
            Move {
                before: Some(before),
                ..
            } => put(&order, &name, place_of(before)?)?,
            Move {
                after: Some(after), ..
            } => put(&order, &name, place_of(after)? + 1)?,
            Move { .. } => {
                return Err(Problem::invalid(
                    "",
                    "say where to",
                    "name `before`, `after` or `priority`",
                ));
            }
        };
        let change = self.0.control.begin(who.actor()).await?;
        for (name, priority) in &changes {
            let before = named(change.work(), Kind::Route, name).await?;
            let row = Model {
                position: *priority,
                ..before.clone()
            };
            let row = replace(change.work(), &row).await?;
            definition::note(&change, "move", Kind::Route, Some(&before), Some(&row)).await?;
        }
        change.commit().await?;
        let row = definition::find(&self.0, Kind::Route, &name).await?;
        Ok(self.one(&row))
    }
}
