//! Tasks that talk to the hub for the screen. They belong to the feed and end with it.

use std::collections::HashMap;

use tokio::sync::mpsc::Sender;
use tokio::task::{AbortHandle, JoinSet};

use super::act;
use super::app::Screen;
use super::news::{Act, News, Topic};
use crate::client::{Call, Client};
use crate::endpoints;
use crate::events::{Attention, Heard, follow};

/// Tasks that talk to the hub.
pub(super) struct Feed {
    client: Client,
    news: Sender<News>,
    tasks: JoinSet<()>,
    /// Questions under way: none is asked twice at once.
    asked: HashMap<Topic, AbortHandle>,
}

impl Feed {
    /// One that has nothing to do yet.
    pub(super) fn new(client: Client, news: Sender<News>) -> Self {
        Self {
            client,
            news,
            tasks: JoinSet::new(),
            asked: HashMap::new(),
        }
    }

    /// Follows requests and keys.
    pub(super) fn follow(&mut self) {
        self.listen(endpoints::LOG_TAIL.call(&[]), News::Request);
        self.listen(endpoints::POOL_EVENTS.call(&[]), News::Keys);
    }

    fn listen(&mut self, call: Call, told: fn(Heard) -> News) {
        let (client, news) = (self.client.clone(), self.news.clone());
        self.tasks.spawn(async move {
            let listener = |heard| {
                // A screen that cannot follow misses some; the lists hold all of them.
                let _ = news.try_send(told(heard));
                Ok(Attention::More)
            };
            if let Err(failure) = follow(&client, &call, listener).await {
                let _ = news.send(News::Ended(failure)).await;
            }
        });
    }

    /// Asks for what a screen shows.
    pub(super) fn look(&mut self, screen: Screen) {
        for topic in screen.topics() {
            self.ask(*topic);
        }
    }

    fn ask(&mut self, topic: Topic) {
        while self.tasks.try_join_next().is_some() {}
        if self
            .asked
            .get(&topic)
            .is_some_and(|task| !task.is_finished())
        {
            return;
        }
        let task = self.spawn(Act::Ask(topic));
        self.asked.insert(topic, task);
    }

    /// Does something.
    pub(super) fn perform(&mut self, act: Act) {
        match act {
            Act::Ask(topic) => self.ask(topic),
            act => drop(self.spawn(act)),
        }
    }

    fn spawn(&mut self, act: Act) -> AbortHandle {
        let (client, news) = (self.client.clone(), self.news.clone());
        self.tasks.spawn(async move {
            for piece in act::perform(&client, &act).await {
                if news.send(piece).await.is_err() {
                    return;
                }
            }
        })
    }
}
