//! From a request to an answer: whose it is, what goes wrong with it, what it may cost.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    answer::{Delivery, Served},
    clock::between,
    dice::Dice,
    faults::{Circumstances, Mishap},
    method::Method,
    mishap::FaultKind,
    sources::Sources,
    statistics::Tally,
};

use super::{
    AskedOfGitHub, Beside, GitHub, actor, acts,
    acts::Refusal,
    find, graphql,
    limits::{Budget, Cost, Exceeded, Resource},
    mishaps::{self, whole, written},
    operation::Operation,
    rest::{self, Request, Rest, RestAnswer, Route},
    viewer::Viewer,
};

impl GitHub {
    /// Answers a request at `now`.
    pub(in super::super) fn serve(
        &mut self,
        asked: AskedOfGitHub<'_>,
        now: Timestamp,
        beside: &mut Beside<'_>,
    ) -> Served {
        self.requests += 1;
        let path = asked.path.strip_prefix("api/v3/").unwrap_or(asked.path);
        let Some(viewer) = self.viewer(asked.authorization) else {
            let message =
                if asked.authorization.is_some() { "Bad credentials" } else { "Requires authentication" };
            return whole(&RestAnswer::refusal(&Refusal::new(401, "FORBIDDEN", message)));
        };
        let mut served = match rest::route(asked.verb, path) {
            _ if matches!(path, "graphql" | "api/graphql") && asked.verb == "POST" => {
                self.serve_graphql(asked.body, &viewer, now, beside)
            }
            Some(route) => self.serve_rest(&route, asked, &viewer, now, beside),
            None => whole(&RestAnswer::refusal(&rest::not_found())),
        };
        served.answer.headers.push(("x-github-request-id", format!("SIM:{:06X}", self.requests)));
        served
    }

    fn viewer(&self, authorization: Option<&str>) -> Option<Viewer> {
        let (scheme, token) = authorization?.split_once(' ')?;
        let is_known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token");
        (is_known && !token.trim().is_empty()).then(|| Viewer::of(&self.world.script, token.trim())).flatten()
    }

    fn serve_rest(
        &mut self,
        route: &Route,
        asked: AskedOfGitHub<'_>,
        viewer: &Viewer,
        now: Timestamp,
        beside: &mut Beside<'_>,
    ) -> Served {
        let operation = route.operation;
        let method = Method::GitHub(operation);
        beside.tally.request(Some(method));
        find(&mut self.world, beside.sources, &route.repository);
        let mishap = self.draw(operation, 1, beside, now);
        let served = match mishap.and_then(|mishap| mishaps::instead(mishap, &self.limits_of(viewer, now))) {
            Some(served) => served,
            None => {
                if mishap.is_some_and(|mishap| mishap.kind == FaultKind::PushBefore) {
                    self.push_before(route, viewer, now);
                }
                let answer = self.answer_rest(route, asked, viewer, now);
                match mishap.filter(|_| answer.status < 400) {
                    Some(mishap) => mishaps::after(mishap, written(&answer)),
                    None => whole(&answer),
                }
            }
        };
        if !operation.reads() {
            let target = self.target(route);
            self.world.books.write(now, operation.name(), target, served.answer.status);
        }
        self.sent(served, viewer, Resource::Core, beside.tally, now)
    }

    fn serve_graphql(
        &mut self,
        body: &[u8],
        viewer: &Viewer,
        now: Timestamp,
        beside: &mut Beside<'_>,
    ) -> Served {
        let schema = self.schema.get_or_init(|| graphql::Schema::new(&self.made_up));
        let asked = match graphql::Asked::read(schema, body) {
            Ok(asked) => asked,
            Err((status, body)) => {
                beside.tally.request(Some(Method::GitHub(Operation::GraphQlQuery)));
                beside.tally.answer(Some(status));
                return whole(&RestAnswer::with(status, body));
            }
        };
        let operation =
            if asked.is_mutation() { Operation::GraphQlMutation } else { Operation::GraphQlQuery };
        beside.tally.request(Some(Method::GitHub(operation)));
        let mishap = self.draw(operation, asked.cost.pulls, beside, now);
        let served = match mishap
            .and_then(|mishap| mishaps::instead_of_graphql(mishap, &self.limits_of(viewer, now)))
        {
            Some(served) => served,
            None => self.answer_graphql(&asked, viewer, now, mishap, beside.sources),
        };
        if asked.is_mutation() {
            let target = asked.target().unwrap_or_default();
            self.world.books.write(now, &asked.name(), target, served.answer.status);
        }
        self.sent(served, viewer, Resource::GraphQl, beside.tally, now)
    }

    fn answer_graphql(
        &mut self,
        asked: &graphql::Asked,
        viewer: &Viewer,
        now: Timestamp,
        mishap: Option<Mishap>,
        sources: &mut Sources,
    ) -> Served {
        let cost =
            Cost { resource: Resource::GraphQl, points: asked.cost.points, is_write: asked.is_mutation() };
        if let Err(exceeded) = self.limits.pay(&viewer.account(), cost, now) {
            let secondary = self.world.script.limits.secondary_status;
            let answer = self.exceeded(exceeded, viewer, now);
            return whole(&mishaps::in_graphql(answer, exceeded, secondary));
        }
        let running = self.running(now);
        self.world.books.pay(asked.cost.points, running);
        let Some(schema) = self.schema.get() else {
            return whole(&RestAnswer::refusal(&rest::not_found()));
        };
        let partial = mishap.filter(|mishap| mishap.kind == FaultKind::Partial);
        let dice = self.world.luck("partial").nth(self.requests);
        let terms = graphql::Terms {
            viewer,
            now,
            budget: self.limits.budget(&viewer.account(), Resource::GraphQl, now),
            partial: partial.map(|mishap| (mishap.share, dice)),
        };
        let scene = graphql::Scene { world: &mut self.world, sources };
        let outcome = graphql::execute(schema, asked, scene, &terms);
        let answer = RestAnswer::ok(outcome.body);
        let served = match mishap {
            Some(mishap) => mishaps::after(mishap, written(&answer)),
            None => whole(&answer),
        };
        // What is lost on the way has told nobody anything.
        if matches!(served.delivery, Delivery::Whole | Delivery::Slow(_)) && served.answer.status == 200 {
            for (pull, head) in outcome.greens {
                self.world.pulls[pull.0].shown.green(head, now);
            }
            for (pull, is_go) in outcome.states {
                self.world.pulls[pull.0].shown.state(is_go, now);
            }
        }
        served
    }

    fn target(&self, route: &Route) -> String {
        let branch = route.rest.strip_prefix("heads/");
        branch.map_or_else(
            || format!("{}#{}", route.repository, route.rest),
            |branch| format!("{}@{branch}", route.repository),
        )
    }

    fn limits_of(&self, viewer: &Viewer, now: Timestamp) -> mishaps::Spent {
        let resets = self.limits.budget(&viewer.account(), Resource::Core, now).resets;
        mishaps::Spent { user: viewer.actor.database_id(), resets }
    }

    fn push_before(&mut self, route: &Route, viewer: &Viewer, now: Timestamp) {
        let number = route.rest.parse().ok();
        let pull = self
            .world
            .named(&route.repository)
            .zip(number)
            .and_then(|(repository, number)| self.world.numbered(repository, number));
        if let Some(pull) = pull.filter(|pull| self.world.pulls[pull.0].is_open()) {
            let by = actor::Actor::named("mallory");
            acts::Acts { world: &mut self.world, viewer, now }.push_before(pull, by);
        }
    }

    fn answer_rest(
        &mut self,
        route: &Route,
        asked: AskedOfGitHub<'_>,
        viewer: &Viewer,
        now: Timestamp,
    ) -> RestAnswer {
        let operation = route.operation;
        if operation == Operation::RateLimitGet {
            return self.rate_limit(viewer, now);
        }
        let cost = Cost { resource: Resource::Core, points: 1, is_write: !operation.reads() };
        if let Err(exceeded) = self.limits.pay(&viewer.account(), cost, now) {
            return self.exceeded(exceeded, viewer, now);
        }
        if operation == Operation::UsersGetAuthenticated {
            return RestAnswer::ok(account(viewer));
        }
        let query: Vec<(String, String)> =
            url::form_urlencoded::parse(asked.query.unwrap_or_default().as_bytes()).into_owned().collect();
        let request =
            Request { route, query: &query, body: asked.body, origin: asked.origin, path: asked.path };
        let mut answer = Rest { world: &mut self.world, viewer, now }.answer(&request);
        if operation.reads() && answer.status == 200 {
            let tag = format!("W/\"{:016x}\"", Dice::new(0).with(&answer.body.to_string()).bits());
            if asked.known == Some(tag.as_str()) {
                // What has not changed is free.
                self.limits.refund(&viewer.account(), Resource::Core);
                answer.status = 304;
                answer.body = Value::Null;
            }
            answer.headers.push(("etag", tag));
        }
        answer
    }

    fn exceeded(&mut self, exceeded: Exceeded, viewer: &Viewer, now: Timestamp) -> RestAnswer {
        match exceeded {
            Exceeded::Primary => {
                self.world.books.over_primary += 1;
                mishaps::primary(&self.limits_of(viewer, now))
            }
            Exceeded::Secondary(retry_after) => {
                self.world.books.over_secondary += 1;
                let status = match self.world.script.limits.secondary_status {
                    429 => 429,
                    _ => 403,
                };
                mishaps::secondary(status, retry_after)
            }
        }
    }

    fn rate_limit(&self, viewer: &Viewer, now: Timestamp) -> RestAnswer {
        let of = |resource| {
            let budget = self.limits.budget(&viewer.account(), resource, now);
            json!({
                "limit": budget.limit,
                "used": budget.used,
                "remaining": budget.remaining(),
                "reset": budget.resets.as_second(),
            })
        };
        let core = of(Resource::Core);
        let search = json!({ "limit": 30, "used": 0, "remaining": 30, "reset": now.as_second() + 60 });
        let body = json!({
            "resources": { "core": core, "search": search, "graphql": of(Resource::GraphQl) },
            "rate": core,
        });
        RestAnswer::ok(body)
    }

    /// What goes wrong with a request about `size` pull requests, if anything; it counts as having happened.
    fn draw(
        &self,
        operation: Operation,
        size: usize,
        beside: &mut Beside<'_>,
        now: Timestamp,
    ) -> Option<Mishap> {
        if beside.faults.is_empty() {
            return None;
        }
        let mishap = beside.faults.draw(&Circumstances {
            method: Method::GitHub(operation),
            running: self.running(now),
            used: None,
            age: None,
            create: None,
            size,
        })?;
        beside.faults.happened(mishap);
        beside.tally.fault(mishap.kind);
        Some(mishap)
    }

    /// How much service time has passed since the start.
    fn running(&self, now: Timestamp) -> Duration {
        between(self.world.started, now).mul_f64(self.world.speed)
    }

    /// An answer with what is left of the budget, counted.
    fn sent(
        &self,
        mut served: Served,
        viewer: &Viewer,
        resource: Resource,
        tally: &mut Tally,
        now: Timestamp,
    ) -> Served {
        let budget = self.limits.budget(&viewer.account(), resource, now);
        // A mishap may have said something else of it.
        let headers = &mut served.answer.headers;
        let is_new = |name: &str| !headers.iter().any(|(known, _)| *known == name);
        let new: Vec<_> =
            budget_headers(budget, resource).into_iter().filter(|(name, _)| is_new(name)).collect();
        headers.extend(new);
        tally.answer(served.delivery.leaves().then_some(served.answer.status));
        served
    }
}

fn budget_headers(budget: Budget, resource: Resource) -> [(&'static str, String); 5] {
    [
        ("x-ratelimit-limit", budget.limit.to_string()),
        ("x-ratelimit-remaining", budget.remaining().to_string()),
        ("x-ratelimit-used", budget.used.to_string()),
        ("x-ratelimit-reset", budget.resets.as_second().to_string()),
        ("x-ratelimit-resource", resource.name().to_owned()),
    ]
}

/// The account of a token, as it shows itself.
fn account(viewer: &Viewer) -> Value {
    let mut shape = rest::user_json(&viewer.actor);
    for name in ["name", "company", "email", "location", "bio", "hireable", "twitter_username"] {
        shape[name] = Value::Null;
    }
    shape["blog"] = json!("");
    for name in ["public_repos", "public_gists", "followers", "following"] {
        shape[name] = json!(0);
    }
    shape["created_at"] = json!("2011-01-25T18:44:36Z");
    shape["updated_at"] = json!("2026-01-25T18:44:36Z");
    shape
}
