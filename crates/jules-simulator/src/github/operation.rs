//! The operations of GitHub that are played, by the ids of its own description.

/// An operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Operation {
    GraphQlQuery,
    GraphQlMutation,
    RateLimitGet,
    UsersGetAuthenticated,
    ReposGet,
    ReposListActivities,
    PullsList,
    PullsGet,
    PullsCheckIfMerged,
    PullsListReviews,
    PullsListCommits,
    PullsMerge,
    PullsUpdate,
    PullsUpdateBranch,
    GitGetRef,
    GitDeleteRef,
    IssuesListComments,
    IssuesCreateComment,
    ChecksListForRef,
    ReposGetCombinedStatus,
}

impl Operation {
    pub(crate) const ALL: [Self; 20] = [
        Self::GraphQlQuery,
        Self::GraphQlMutation,
        Self::RateLimitGet,
        Self::UsersGetAuthenticated,
        Self::ReposGet,
        Self::ReposListActivities,
        Self::PullsList,
        Self::PullsGet,
        Self::PullsCheckIfMerged,
        Self::PullsListReviews,
        Self::PullsListCommits,
        Self::PullsMerge,
        Self::PullsUpdate,
        Self::PullsUpdateBranch,
        Self::GitGetRef,
        Self::GitDeleteRef,
        Self::IssuesListComments,
        Self::IssuesCreateComment,
        Self::ChecksListForRef,
        Self::ReposGetCombinedStatus,
    ];

    /// Its id in GitHub's description; GraphQL's two are ours.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::GraphQlQuery => "graphql/query",
            Self::GraphQlMutation => "graphql/mutation",
            Self::RateLimitGet => "rate-limit/get",
            Self::UsersGetAuthenticated => "users/get-authenticated",
            Self::ReposGet => "repos/get",
            Self::ReposListActivities => "repos/list-activities",
            Self::PullsList => "pulls/list",
            Self::PullsGet => "pulls/get",
            Self::PullsCheckIfMerged => "pulls/check-if-merged",
            Self::PullsListReviews => "pulls/list-reviews",
            Self::PullsListCommits => "pulls/list-commits",
            Self::PullsMerge => "pulls/merge",
            Self::PullsUpdate => "pulls/update",
            Self::PullsUpdateBranch => "pulls/update-branch",
            Self::GitGetRef => "git/get-ref",
            Self::GitDeleteRef => "git/delete-ref",
            Self::IssuesListComments => "issues/list-comments",
            Self::IssuesCreateComment => "issues/create-comment",
            Self::ChecksListForRef => "checks/list-for-ref",
            Self::ReposGetCombinedStatus => "repos/get-combined-status-for-ref",
        }
    }

    /// Whether it only looks.
    pub(crate) fn reads(self) -> bool {
        !matches!(
            self,
            Self::GraphQlMutation
                | Self::PullsMerge
                | Self::PullsUpdate
                | Self::PullsUpdateBranch
                | Self::GitDeleteRef
                | Self::IssuesCreateComment
        )
    }
}
