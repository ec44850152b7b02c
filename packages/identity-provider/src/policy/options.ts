import { isAbsoluteUri, sameResource, scope, SIGNING_ALGORITHMS, type SigningAlgorithm } from '@credence/protocol';
import { z } from 'zod';
import type { IdJagDenial, IdJagRequest } from '../issue/policy.ts';
import type { DenialFacts } from './denial-facts.ts';

/**
 * Scopes that are held at a server. A list, and the list `default`, are also granted to requests that name no scope. The scopes
 * of `onRequest` are granted only to requests that name them.
 */
export type ScopeGrant =
  | readonly string[]
  | { readonly default?: readonly string[] | undefined; readonly onRequest?: readonly string[] | undefined };

/** A row of the policy table: an MCP server. */
export interface PolicyServer {
  /** Issuer identifier of the server's authorization server: the `aud` of the ID-JAG. Several servers may have the same one. */
  readonly issuer: string;
  /** Other values of `audience` that clients may send for that authorization server. */
  readonly audiences?: readonly string[] | undefined;
  /** The server's resource identifier (RFC 9728), exactly as in its protected resource metadata. */
  readonly resource: string;
  /** All scopes of the server. */
  readonly scopes: readonly string[];
  /** The scopes that are enabled at the start. Default: all. */
  readonly enabledScopes?: readonly string[] | undefined;
  /** Whether no ID-JAG is issued for the server. Default: false. */
  readonly paused?: boolean | undefined;
  /**
   * The client ids at the server's authorization server, by client id at this provider. A client without an entry gets no ID-JAG
   * for the server.
   */
  readonly clients: Readonly<Record<string, string>>;
  /** The longest lifetime of an ID-JAG for the server, in seconds. */
  readonly maxLifetimeSeconds?: number | undefined;
  /** The signature algorithm of ID-JAGs for the server. Default: that of the first signing key. */
  readonly algorithm?: SigningAlgorithm | undefined;
  /**
   * `'pairwise'`: the `sub` of ID-JAGs is a pseudonym. Default: `'pairwise'` if the table has a `pairwiseSecret`, else
   * `'public'`.
   */
  readonly subjects?: 'pairwise' | 'public' | undefined;
  /** Requirements for the sign-in of users. These requirements do not apply to service principals, which do not sign in. */
  readonly userAuthentication?: RequiredAuthentication | undefined;
}

/** Requirements for the sign-in of a user. At least one member must be set. */
export interface RequiredAuthentication {
  /** The longest time since the user signed in, in seconds. */
  readonly maxAgeSeconds?: number | undefined;
  /** The user must have signed in with one of these authentication contexts, listed in order of preference. */
  readonly acrValues?: readonly string[] | undefined;
  /**
   * The user must have signed in with all of these methods (RFC 8176). The error response has no parameter for methods, so also
   * set `acrValues` that imply them.
   */
  readonly amr?: readonly string[] | undefined;
}

/** A row of the policy table for a service principal or a user: the properties that both kinds have. */
export interface PolicySubject {
  /** The groups of the subject. The subject also has the grants of these groups. */
  readonly groups?: readonly string[] | undefined;
  /** The subject's own grants, by server. The grants of its groups are added to these. */
  readonly grants?: Readonly<Record<string, ScopeGrant>> | undefined;
  /** Scopes that the subject does not hold, by server, even if they are granted to it or to one of its groups. */
  readonly withheld?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Whether no ID-JAG is issued to the subject. Default: false. */
  readonly disabled?: boolean | undefined;
  /** Further claims of the subject's ID-JAGs for every server, `email` for example. Such claims can identify a pairwise subject. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
}

/** A row of the policy table: a service principal. */
export interface PolicyPrincipal extends PolicySubject {
  /** The client ids of the principal at this provider. Default: its name. */
  readonly clients?: readonly string[] | undefined;
}

/** Options of `policyTable`: the initial rows of the table, and settings for all rows. */
export interface PolicyTableOptions {
  /** The MCP servers, by name. */
  readonly servers: Readonly<Record<string, PolicyServer>>;
  /** The service principals, by name. The name is the `sub` of their ID-JAGs, unless it is a pseudonym. */
  readonly principals: Readonly<Record<string, PolicyPrincipal>>;
  /** The users, by the `sub` of their ID tokens. */
  readonly users?: Readonly<Record<string, PolicySubject>> | undefined;
  /** The grants of the members of each group, by group and server. */
  readonly groups?: Readonly<Record<string, Readonly<Record<string, ScopeGrant>>>> | undefined;
  /**
   * Returns further groups of the request's subject, from a directory or from the subject token's claims. Groups that are not in
   * the table grant nothing. With this option, a user who is not in `users` is accepted if one of these groups is in the table.
   * Such a user can also be disabled.
   */
  readonly groupsOf?: ((request: IdJagRequest) => readonly string[] | Promise<readonly string[]>) | undefined;
  /**
   * A secret of at least 32 bytes. With it, subjects are pseudonyms: a different one for each authorization server, which changes
   * only if the secret changes. Protect it like a signing key, and keep it as long as accounts with these pseudonyms exist.
   */
  readonly pairwiseSecret?: string | Uint8Array | undefined;
  /**
   * Whether clients get the reason of a denial as `error_description`. `true`: the reason in the audit record. A function: the
   * text that it returns. Default: false.
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

/** Throws a TypeError that names the invalid option. The message does not contain the secret. */
export function checkPolicyTable(options: PolicyTableOptions): void {
  const checked = tableSchema.safeParse(options);
  if (!checked.success) throw new TypeError(`policyTable: ${z.prettifyError(checked.error)}`);
  const { servers, principals, users = {}, groups = {} } = options;
  for (const [server, { issuer, resource, subjects, scopes: all, enabledScopes = [] }] of Object.entries(servers)) {
    const duplicate = Object.entries(servers).find(
      ([other, each]) => other !== server && each.issuer === issuer && sameResource(each.resource, resource),
    );
    if (duplicate !== undefined)
      throw new TypeError(`policyTable: ${server} and ${duplicate[0]} have the same resource and issuer`);
    if (subjects === 'pairwise' && options.pairwiseSecret === undefined) {
      throw new TypeError(`policyTable: ${server} has subjects "pairwise" and the table has no pairwiseSecret`);
    }
    const unknown = enabledScopes.filter((each) => !all.includes(each));
    if (unknown.length > 0)
      throw new TypeError(`policyTable: ${server} has enabledScopes that are not in its scopes: ${unknown.join(' ')}`);
  }
  const names = [principals, users, groups].flatMap((each) => Object.keys(each));
  const repeated = names.find((each, index) => names.indexOf(each) !== index);
  // The name becomes the `sub` of ID-JAGs. Two subjects with one name would get the same `sub`.
  if (repeated !== undefined)
    throw new TypeError(`policyTable: ${repeated} names more than one principal, user or group`);
  const owners = new Map<string, string>();
  for (const [principal, { clients = [principal] }] of Object.entries(principals)) {
    for (const client of clients) {
      if (client !== principal && Object.hasOwn(principals, client)) {
        throw new TypeError(
          `policyTable: ${client} is the name of a principal, so it cannot be a client of ${principal}`,
        );
      }
      const owner = owners.get(client);
      if (owner !== undefined)
        throw new TypeError(`policyTable: the client ${client} belongs to both ${owner} and ${principal}`);
      owners.set(client, principal);
    }
  }
}
