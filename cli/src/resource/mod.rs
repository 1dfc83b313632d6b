//! Resources: what all of them have in common, told once. A resource is declared (path, names, columns, members); to
//! list, show, make, change and remove one is the same for all. Knows no single resource.

mod change;
mod edit;
mod list;
mod one;
mod period;

pub(crate) use self::change::{Change, Draft, parse_value, set};
pub(crate) use self::list::{List, PAGE, Paging, Watch, all_pages};
pub(crate) use self::one::{Named, Names, Plain, Toggle};
pub(crate) use self::period::{Period, ahead};
use crate::client::Call;
use crate::output::Layout;

/// What the admin API can do with a resource.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Does {
    /// `GET path`
    List,
    /// `GET path/{key}`
    Show,
    /// `POST path`
    Create,
    /// `PUT path/{key}`
    Replace,
    /// `DELETE path/{key}`
    Delete,
    /// `POST path/{key}/enable` and `/disable`
    Toggle,
}

/// A resource of the admin API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resource {
    /// One of them, in a sentence.
    pub(crate) noun: &'static str,
    /// Where they are.
    pub(crate) path: &'static str,
    /// The member that people know one by, where the hub's own name of it is a number nobody remembers.
    pub(crate) label: Option<&'static str>,
    /// How they are shown.
    pub(crate) layout: Layout,
    /// The members that can be written.
    pub(crate) members: &'static [&'static str],
    /// The members that the hub tells of one and takes from nobody.
    pub(crate) tells: &'static [&'static str],
    /// What can be done with them.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "only the comparison with the contract asks")
    )]
    pub(crate) does: &'static [Does],
}

impl Resource {
    /// Where one of them is.
    fn at(&self, key: &str, rest: &str) -> String {
        let own = crate::client::fill("/{key}", &[key]);
        format!("{}{own}{rest}", self.path)
    }

    fn call(&self, method: &str, key: &str, rest: &str) -> Call {
        Call::new(method, self.at(key, rest))
    }

    /// Its lines of the contract.
    #[cfg(test)]
    pub(crate) fn endpoints(&self) -> Vec<(&'static str, String)> {
        let own = format!("{}/{{{}}}", self.path, self.layout.key);
        let lines = self.does.iter().flat_map(|does| match does {
            Does::List => vec![("GET", self.path.to_owned())],
            Does::Show => vec![("GET", own.clone())],
            Does::Create => vec![("POST", self.path.to_owned())],
            Does::Replace => vec![("PUT", own.clone())],
            Does::Delete => vec![("DELETE", own.clone())],
            Does::Toggle => ["enable", "disable"]
                .map(|verb| ("POST", format!("{own}/{verb}")))
                .to_vec(),
        });
        lines.collect()
    }
}
