// GitHub's own GraphQL schema, as npm's `@octokit/graphql-schema` carries it.
import { buildSchema } from "graphql";
import { schema } from "@octokit/graphql-schema";

/** The whole schema. GitHub's file defines one field twice, so its validity is assumed. */
export function github() {
  return buildSchema(schema.idl, { assumeValidSDL: true });
}
