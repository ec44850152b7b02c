import { isAbsoluteUri, scope, SIGNING_ALGORITHMS, type SigningAlgorithm } from '@credence/protocol';
import { z } from 'zod';
import type { IdJagDenial, IdJagRequest } from '../issue/policy.ts';
import type { DenialFacts } from './denial-facts.ts';

/**
 * Scopes held at a server. A list comes by default, that is also where a request names no scope; `onRequest` only where
 * a request names it.
 */
export type ScopeGrant =
  | readonly string[]
  | { readonly default?: readonly string[] | undefined; readonly onRequest?: readonly string[] | undefined };

/** An MCP server, as its row in the table. */
export interface PolicyServer {
  /** Issuer identifier of its authorization server: `aud` of the ID-JAG. Several servers may share one. */
  readonly issuer: string;
  /** Other values of `audience` that clients may send for that authorization server. */
  readonly audiences?: readonly string[] | undefined;
  /** Its resource identifier (RFC 9728), exactly as its metadata says it. */
  readonly resource: string;
  /** Every scope it knows. */
  readonly scopes: readonly string[];
  /** The scopes that are enabled at the start. Default: all. */
  readonly enabledScopes?: readonly string[] | undefined;
  /** Nothing is issued for it. Default: false. */
  readonly paused?: boolean | undefined;
  /** The client id that a client of this provider has at that authorization server; one without an entry gets nothing. */
  readonly clients: Readonly<Record<string, string>>;
  /** The longest life of an ID-JAG for it, in seconds. */
  readonly maxLifetimeSeconds?: number | undefined;
  /** What its authorization server verifies. Default: that of the first signing key. */
  readonly algorithm?: SigningAlgorithm | undefined;
  /** `'pairwise'`: it learns a pseudonym. Default: pairwise where the table has a `pairwiseSecret`. */
  readonly subjects?: 'pairwise' | 'public' | undefined;
  /** What is asked of the sign-in of users; service principals do not sign in, and are not held to it. */
  readonly userAuthentication?: RequiredAuthentication | undefined;
}

/** At least one of these. */
export interface RequiredAuthentication {
  /** The most seconds since the user signed in. */
  readonly maxAgeSeconds?: number | undefined;
  /** One of these authentication contexts; in order of preference. */
  readonly acrValues?: readonly string[] | undefined;
  /** All of these methods (RFC 8176). A client cannot be told so: name `acrValues` that imply them. */
  readonly amr?: readonly string[] | undefined;
}

/** Somebody who may be granted something. */
export interface PolicySubject {
  /** The groups that it is in, whose grants it holds too. */
  readonly groups?: readonly string[] | undefined;
  /** By server. Those of the groups come on top. */
  readonly grants?: Readonly<Record<string, ScopeGrant>> | undefined;
  /** Scopes it does not have, by server, whatever is granted to it or to its groups. */
  readonly withheld?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Nothing is issued to it. Default: false. */
  readonly disabled?: boolean | undefined;
  /** Claims of the ID-JAG, for every server: `email`, `groups`... They can undo what a pairwise subject is for. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
}

/** A service principal, as its row in the table. */
export interface PolicyPrincipal extends PolicySubject {
  /** Its clients at this provider. Default: the one of its own name. */
  readonly clients?: readonly string[] | undefined;
}

/** Options of `policyTable`: the rows of the table at the start, and what holds for all of them. */
export interface PolicyTableOptions {
  /** By name. */
  readonly servers: Readonly<Record<string, PolicyServer>>;
  /** Service principals, by name: the `sub` of their ID-JAGs, where it is no pseudonym. */
  readonly principals: Readonly<Record<string, PolicyPrincipal>>;
  /** Users, by the `sub` their ID tokens have. */
  readonly users?: Readonly<Record<string, PolicySubject>> | undefined;
  /** What each group's members hold, by group and server. */
  readonly groups?: Readonly<Record<string, Readonly<Record<string, ScopeGrant>>>> | undefined;
  /**
   * Further groups of whoever asks, from a directory or the subject token's claims; groups the table does not know grant
   * nothing. With it a user who is not in `users` is known by groups alone, and can be disabled all the same.
   */
  readonly groupsOf?: ((request: IdJagRequest) => readonly string[] | Promise<readonly string[]>) | undefined;
  /**
   * At least 32 bytes. Subjects become pseudonyms, another one for each authorization server, always the same while the
   * secret is: keep it as carefully as a signing key, and for longer.
   */
  readonly pairwiseSecret?: string | Uint8Array | undefined;
  /**
   * Tell clients why they are denied: what the audit record says, or what this function makes of it, for words that a
   * client may know. Default: false.
   */
  readonly explainDenials?: boolean | ((denial: IdJagDenial, facts: DenialFacts) => string) | undefined;
  /** The current time. Default: the system's clock. */
  readonly now?: (() => Date) | undefined;
}

const scopes = z.array(scope);
const grants = z.record(
  z.string(),
  z.union([scopes, z.strictObject({ default: scopes.optional(), onRequest: scopes.optional() })]),
);
const seconds = z.int().positive();
const name = z.string().min(1);
const absoluteUri = z.string().refine(isAbsoluteUri, 'is not an absolute URI');

const serverSchema = z.strictObject({
  issuer: absoluteUri,
  audiences: z.array(name).optional(),
  resource: absoluteUri,
  scopes: scopes.min(1),
  enabledScopes: scopes.optional(),
  paused: z.boolean().optional(),
  clients: z.record(name, name),
  maxLifetimeSeconds: seconds.optional(),
  algorithm: z.enum(SIGNING_ALGORITHMS).optional(),
  subjects: z.enum(['pairwise', 'public']).optional(),
  userAuthentication: z
    .strictObject({
      maxAgeSeconds: z.int().nonnegative().optional(),
      acrValues: z.array(name).min(1).optional(),
      amr: z.array(name).min(1).optional(),
    })
    .refine((required) => Object.values(required).some((each) => each !== undefined), 'requires nothing')
    .optional(),
});
const subjectShape = {
  groups: z.array(name).optional(),
  grants: grants.optional(),
  withheld: z.record(z.string(), scopes).optional(),
  disabled: z.boolean().optional(),
  claims: z.record(z.string(), z.unknown()).optional(),
};
const isFunction = z.custom((value) => typeof value === 'function', 'is not a function');
const tableSchema = z.strictObject({
  servers: z.record(name, serverSchema),
  principals: z.record(name, z.strictObject({ ...subjectShape, clients: z.array(name).optional() })),
  users: z.record(name, z.strictObject(subjectShape)).optional(),
  groups: z.record(name, grants).optional(),
  groupsOf: isFunction.optional(),
  pairwiseSecret: z
    .union([z.string(), z.instanceof(Uint8Array)])
    .refine((secret) => Buffer.byteLength(secret) >= 32, 'has less than 32 bytes')
    .optional(),
  explainDenials: z.union([z.boolean(), isFunction]).optional(),
  now: isFunction.optional(),
});

/** Throws a TypeError that says where the table is not right; never with the secret in it. */
export function checkPolicyTable(options: PolicyTableOptions): void {
  const checked = tableSchema.safeParse(options);
  if (!checked.success) throw new TypeError(`policyTable: ${z.prettifyError(checked.error)}`);
  const { servers, principals, users = {}, groups = {} } = options;
  for (const [server, { issuer, resource, subjects, scopes: all, enabledScopes = [] }] of Object.entries(servers)) {
    const twin = Object.entries(servers).find(
      ([other, each]) => other !== server && each.issuer === issuer && each.resource === resource,
    );
    if (twin !== undefined) throw new TypeError(`policyTable: ${server} and ${twin[0]} are the same resource`);
    if (subjects === 'pairwise' && options.pairwiseSecret === undefined) {
      throw new TypeError(`policyTable: ${server} wants pairwise subjects and there is no pairwiseSecret`);
    }
    const unknown = enabledScopes.filter((each) => !all.includes(each));
    if (unknown.length > 0) throw new TypeError(`policyTable: ${server} does not know the scopes ${unknown.join(' ')}`);
  }
  const names = [principals, users, groups].flatMap((each) => Object.keys(each));
  const twice = names.find((each, index) => names.indexOf(each) !== index);
  // One name for two would also be one `sub` for two.
  if (twice !== undefined) throw new TypeError(`policyTable: ${twice} is a principal, a user or a group at once`);
  const owners = new Map<string, string>();
  for (const [principal, { clients = [principal] }] of Object.entries(principals)) {
    for (const client of clients) {
      if (client !== principal && Object.hasOwn(principals, client)) {
        throw new TypeError(`policyTable: ${client} is a principal, and cannot be a client of ${principal}`);
      }
      const owner = owners.get(client);
      if (owner !== undefined) throw new TypeError(`policyTable: the client ${client} is ${owner} and ${principal}`);
      owners.set(client, principal);
    }
  }
}
