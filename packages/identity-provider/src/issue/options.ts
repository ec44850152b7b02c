import {
  type Awaitable,
  callback,
  checkedElsewhere,
  checkNumber,
  checkShape,
  type FetchLike,
  flag,
} from '@credence/protocol';
import { z } from 'zod';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import type { IssueAuditRecord } from './audit.ts';
import type { IdJagPolicy } from './policy.ts';
import { signingKeysSchema } from './signing-keys-schema.ts';
import { checkWorkloadPlatforms, type WorkloadPlatform } from './subject-tokens/workload-platform.ts';

/** Options of `addIdJagExchange`. */
export interface IdJagExchangeOptions {
  /** Decides a request after its subject token was verified. If it throws, the request is refused with `server_error`. */
  readonly policy: IdJagPolicy;
  /** The keys that sign ID-JAGs. Their public keys are published at the provider's `jwks_uri`, in addition to the provider's own keys. */
  readonly signingKeys: SigningKeys;
  /** Lifetime of an ID-JAG in seconds, if the policy's grant has no `lifetimeSeconds`. Default: 300. */
  readonly lifetimeSeconds?: number | undefined;
  /** Returns the subject identifier of a service principal, which must not be empty. Default: the client id. */
  readonly subject?: ((clientId: string) => Awaitable<string>) | undefined;
  /**
   * The platforms whose workload JWTs are accepted as subject tokens, by issuer identifier. Issuer identifiers are compared as
   * strings. The platforms' keys are discovered, cached and renewed in the same way as the keys of trusted issuers in
   * `verifyIdJag`. Default: none.
   */
  readonly workloadPlatforms?: Readonly<Record<string, WorkloadPlatform>> | undefined;
  /** Fetches the metadata and key sets of workload platforms. Default: the global `fetch`. */
  readonly fetch?: FetchLike | undefined;
  /**
   * True to accept clients that do not authenticate. Their subject token is then their only credential. This is for workloads
   * such as CI jobs, whose only credential is the JWT of their platform. Default: false.
   */
  readonly allowPublicClients?: boolean | undefined;
  /**
   * Called once for each request of the grant. The response waits for it, for at most ten seconds. If it throws, rejects or
   * takes longer, a request that would be granted is refused with `server_error`, and `audit` is called for this refusal. A
   * refusal does not change.
   */
  readonly audit?: ((record: IssueAuditRecord) => void) | ((record: IssueAuditRecord) => Promise<void>) | undefined;
  /** The current time. Default: the system's clock. */
  readonly now?: (() => Date) | undefined;
}

const optionsSchema = z.strictObject({
  policy: callback,
  signingKeys: signingKeysSchema,
  lifetimeSeconds: checkedElsewhere,
  subject: callback.optional(),
  workloadPlatforms: z.record(z.string(), z.unknown()).optional(),
  fetch: callback.optional(),
  allowPublicClients: flag,
  audit: callback.optional(),
  now: callback.optional(),
});

/** Throws a TypeError for invalid options. */
export function checkExchangeOptions(options: IdJagExchangeOptions, ownIssuer: string): void {
  checkShape('addIdJagExchange', optionsSchema, options);
  checkNumber('addIdJagExchange', 'lifetimeSeconds', options.lifetimeSeconds, { min: 1, integer: true });
  checkWorkloadPlatforms(options.workloadPlatforms ?? {}, ownIssuer);
}
