// The part of GitHub's GraphQL schema that the simulator plays, cut out of `@octokit/graphql-schema`.
//
//   node subset.mjs          fails where the simulator's schema is not what this cuts
//   node subset.mjs --write  writes it
//
// A type keeps the fields named here with their arguments as GitHub has them; enums, inputs and scalars stay whole.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isEnumType, isInputObjectType, isInterfaceType, isObjectType, isScalarType, isSpecifiedScalarType, isUnionType } from "graphql";
import { getNamedType } from "graphql";
import { github } from "./schema.mjs";

const file = fileURLToPath(new URL("../../crates/jules-simulator/src/github/schema.graphql", import.meta.url));

const actor = "avatarUrl login resourcePath url";
const pages = (node) => `nodes pageInfo totalCount ${node}`;
const kept = {
  Query: "node nodes rateLimit repository search viewer",
  Mutation:
    "addComment closePullRequest convertPullRequestToDraft dequeuePullRequest disablePullRequestAutoMerge enablePullRequestAutoMerge " +
    "enqueuePullRequest markPullRequestReadyForReview mergePullRequest reopenPullRequest updatePullRequestBranch",
  Node: "id",
  Actor: actor,
  Assignable: "assignees",
  Closable: "closed closedAt viewerCanClose viewerCanReopen",
  Lockable: "activeLockReason locked",
  Starrable: "id",
  UniformResourceLocatable: "resourcePath url",
  RepositoryOwner: `${actor} id`,
  GitObject: "abbreviatedOid commitResourcePath commitUrl id oid repository",
  RequirableByPullRequest: "isRequired",
  Bot: `${actor} createdAt databaseId id updatedAt`,
  User: `${actor} createdAt databaseId id isViewer name updatedAt`,
  Organization: `${actor} createdAt databaseId id name updatedAt`,
  Team: "id name organization slug",
  Repository:
    "allowUpdateBranch archivedAt autoMergeAllowed createdAt databaseId defaultBranchRef deleteBranchOnMerge description forkCount " +
    "hasIssuesEnabled hasProjectsEnabled hasWikiEnabled homepageUrl id isArchived isDisabled isEmpty isFork isInOrganization isLocked isMirror " +
    "isPrivate isTemplate lockReason mergeCommitAllowed mergeQueue mirrorUrl name nameWithOwner owner parent pullRequest pullRequests pushedAt " +
    "rebaseMergeAllowed ref resourcePath squashMergeAllowed stargazerCount updatedAt url viewerCanAdminister viewerDefaultMergeMethod " +
    "viewerPermission visibility",
  Ref: "id name prefix repository target",
  PullRequest:
    "activeLockReason additions assignees author authorAssociation autoMergeRequest baseRef baseRefName baseRefOid baseRepository body bodyText " +
    "canBeRebased changedFiles checksUrl closed closedAt comments commits createdAt databaseId deletions editor files fullDatabaseId headRef " +
    "headRefName headRefOid headRepository headRepositoryOwner id isCrossRepository isDraft isInMergeQueue isMergeQueueEnabled labels " +
    "lastEditedAt latestOpinionatedReviews latestReviews locked maintainerCanModify mergeCommit mergeQueue mergeQueueEntry mergeStateStatus " +
    "mergeable merged mergedAt mergedBy milestone number permalink potentialMergeCommit projectCards publishedAt reactionGroups repository resourcePath " +
    "reviewDecision reviewRequests reviews state statusCheckRollup timelineItems title totalCommentsCount updatedAt url viewerCanClose " +
    "viewerCanMergeAsAdmin viewerCanReopen viewerCanUpdate viewerCanUpdateBranch viewerDidAuthor viewerMergeBodyText viewerMergeHeadlineText",
  AutoMergeRequest: "authorEmail commitBody commitHeadline enabledAt enabledBy mergeMethod pullRequest",
  MergeQueue: "id nextEntryEstimatedTimeToMerge repository resourcePath url",
  MergeQueueEntry: "enqueuedAt enqueuer estimatedTimeToMerge headCommit id jump position pullRequest solo state",
  Commit:
    "abbreviatedOid additions associatedPullRequests author authoredDate authors changedFilesIfAvailable commitResourcePath commitUrl committedDate " +
    "committer deletions id message messageBody messageHeadline oid pushedDate repository resourcePath status statusCheckRollup url",
  GitActor: "avatarUrl date email name user",
  Status: "context contexts id state",
  StatusCheckRollup: "commit contexts id state",
  StatusContext: "context createdAt creator description id isRequired state targetUrl",
  CheckRun:
    "checkSuite completedAt conclusion databaseId detailsUrl externalId id isRequired name permalink repository resourcePath startedAt status " +
    "summary text title url",
  CheckSuite: "app conclusion createdAt databaseId id resourcePath status updatedAt url workflowRun",
  App: "createdAt databaseId description id name slug updatedAt url",
  WorkflowRun: "createdAt databaseId event id resourcePath runNumber updatedAt url workflow",
  Workflow: "createdAt databaseId id name resourcePath updatedAt url",
  PullRequestReview:
    "author authorAssociation authorCanPushToRepository body bodyText commit createdAt databaseId fullDatabaseId id includesCreatedEdit " +
    "lastEditedAt publishedAt pullRequest reactionGroups repository resourcePath state submittedAt updatedAt url viewerDidAuthor",
  IssueComment:
    "author authorAssociation body bodyText createdAt databaseId fullDatabaseId id includesCreatedEdit isMinimized lastEditedAt minimizedReason " +
    "publishedAt pullRequest reactionGroups repository resourcePath updatedAt url viewerDidAuthor",
  ReviewRequest: "asCodeOwner databaseId id pullRequest requestedReviewer",
  Label: "color createdAt description id isDefault name repository resourcePath updatedAt url",
  Milestone: "createdAt description dueOn id number resourcePath state title updatedAt url",
  ProjectCard: "column createdAt databaseId id note project resourcePath updatedAt url",
  ProjectColumn: "createdAt databaseId id name resourcePath updatedAt url",
  Project: "createdAt databaseId id name number resourcePath updatedAt url",
  ReactionGroup: "content createdAt reactors users",
  PullRequestCommit: "commit id pullRequest resourcePath url",
  PullRequestChangedFile: "additions changeType deletions path viewerViewedState",
  ClosedEvent: "actor createdAt id pullRequestOnly",
  ReopenedEvent: "actor createdAt id",
  MergedEvent: "actor commit createdAt id mergeRefName pullRequest resourcePath url",
  HeadRefForcePushedEvent: "actor afterCommit beforeCommit createdAt id pullRequest",
  ConvertToDraftEvent: "actor createdAt id pullRequest resourcePath url",
  ReadyForReviewEvent: "actor createdAt id pullRequest resourcePath url",
  RateLimit: "cost limit nodeCount remaining resetAt used",
  PageInfo: "endCursor hasNextPage hasPreviousPage startCursor",
  SearchResultItemConnection: "issueCount nodes pageInfo repositoryCount userCount edges",
  SearchResultItemEdge: "cursor node",
  ReviewDismissedEvent: "actor createdAt dismissalMessage id previousReviewState pullRequest resourcePath review url",
  LockedEvent: "actor createdAt id lockReason",
  LabeledEvent: "actor createdAt id label",
  UnlabeledEvent: "actor createdAt id label",
};
for (const name of ["PullRequest", "PullRequestCommit", "PullRequestReview", "PullRequestChangedFile", "IssueComment", "Label", "ReviewRequest", "User", "GitActor"]) {
  kept[`${name}Connection`] = pages("edges");
  kept[`${name}Edge`] = "cursor node";
}
kept.PullRequestCommitConnection = pages("edges");
kept.ProjectCardConnection = pages("edges");
kept.ProjectCardEdge = "cursor node";
kept.StatusCheckRollupContextConnection = pages("edges checkRunCount checkRunCountsByState statusContextCount statusContextCountsByState");
kept.StatusCheckRollupContextEdge = "cursor node";
kept.CheckRunStateCount = "count state";
kept.StatusContextStateCount = "count state";
kept.PullRequestTimelineItemsConnection = "edges filteredCount nodes pageCount pageInfo totalCount updatedAt";
kept.PullRequestTimelineItemsEdge = "cursor node";
kept.ReactingUserConnection = pages("edges");
kept.ReactingUserEdge = "cursor node reactedAt";
kept.ReactorConnection = pages("edges");
kept.ReactorEdge = "cursor node reactedAt";

const schema = github();
const types = new Set(Object.keys(kept).filter((name) => schema.getType(name)));
const unions = new Map();
const wanted = new Set(types);
const text = [];
const fault = (message) => {
  throw new Error(`subset.mjs: ${message}`);
};

/** A type that a kept field or argument names: kept whole if it is a leaf or an input, else it must be in the list. */
function need(type) {
  const named = getNamedType(type);
  if (isSpecifiedScalarType(named) || wanted.has(named.name)) return;
  wanted.add(named.name);
  if (isEnumType(named) || isScalarType(named)) return;
  if (isInputObjectType(named)) return Object.values(named.getFields()).forEach((field) => need(field.type));
  if (isUnionType(named)) {
    const members = named.getTypes().map((member) => member.name).filter((name) => types.has(name));
    if (members.length === 0) fault(`no member of union ${named.name} is kept`);
    unions.set(named.name, members);
    return;
  }
  if (isObjectType(named) && named.name.endsWith("Payload")) {
    types.add(named.name);
    kept[named.name] = Object.values(named.getFields()).filter((field) => leafOrKept(field.type)).map((field) => field.name).join(" ");
    return Object.values(named.getFields()).filter((field) => leafOrKept(field.type)).forEach((field) => need(field.type));
  }
  fault(`${named.name} is needed and not in the list`);
}

function leafOrKept(type) {
  const named = getNamedType(type);
  return isEnumType(named) || isScalarType(named) || types.has(named.name);
}

const literal = (value) => (typeof value === "string" ? value : value.map((item) => item));
function argument(arg) {
  const node = arg.astNode?.defaultValue;
  const print = (value) =>
    value.kind === "ObjectValue" ? `{${value.fields.map((field) => `${field.name.value}: ${print(field.value)}`).join(", ")}}`
    : value.kind === "ListValue" ? `[${value.values.map(print).join(", ")}]`
    : value.kind === "StringValue" ? JSON.stringify(value.value) : literal(String(value.value));
  return `${arg.name}: ${arg.type}${node ? ` = ${print(node)}` : ""}`;
}

function fields(type) {
  const has = type.getFields();
  const known = kept[type.name].split(" ").filter((name) => has[name]);
  return known.sort().map((name) => {
    const field = has[name];
    need(field.type);
    field.args.forEach((arg) => need(arg.type));
    const args = field.args.length ? `(${field.args.map(argument).join(", ")})` : "";
    return `  ${name}${args}: ${field.type}`;
  });
}

function conforms(type) {
  const names = type.getInterfaces().filter((one) => types.has(one.name) && interfaceFits(one, type)).map((one) => one.name);
  return names.length ? ` implements ${names.join(" & ")}` : "";
}

/** An object implements what is left of an interface only if it keeps all of it. */
function interfaceFits(one, type) {
  const left = kept[one.name].split(" ").filter((name) => one.getFields()[name]);
  const mine = new Set(kept[type.name].split(" "));
  return left.every((name) => mine.has(name)) && one.getInterfaces().every((above) => !types.has(above.name) || interfaceFits(above, type));
}

const done = new Set();
for (let more = true; more; ) {
  more = false;
  for (const name of [...types].sort()) {
    if (done.has(name)) continue;
    more = true;
    done.add(name);
    const type = schema.getType(name) ?? fault(`GitHub has no type ${name}`);
    const word = isInterfaceType(type) ? "interface" : "type";
    text.push([name, `${word} ${name}${conforms(type)} {\n${fields(type).join("\n")}\n}`]);
  }
}
for (const name of wanted) {
  const type = schema.getType(name);
  if (types.has(name)) continue;
  if (isEnumType(type)) text.push([name, `enum ${name} {\n${type.getValues().map((value) => `  ${value.name}`).sort().join("\n")}\n}`]);
  else if (isInputObjectType(type)) {
    text.push([name, `input ${name} {\n${Object.values(type.getFields()).map((field) => `  ${argument(field)}`).sort().join("\n")}\n}`]);
  } else if (isUnionType(type)) text.push([name, `union ${name} = ${unions.get(name).sort().join(" | ")}`]);
  else text.push([name, `scalar ${name}`]);
}
const sorted = text.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, body]) => body);
const cut = `# Cut out of GitHub's schema by tests/github/subset.mjs; do not edit.\n\n${sorted.join("\n\n")}\n`;

if (process.argv.includes("--write")) {
  writeFileSync(file, cut);
} else if (readFileSync(file, "utf8") !== cut) {
  console.error("the simulator's schema is not GitHub's: run `node subset.mjs --write` in tests/github and look at the difference");
  process.exit(1);
}
