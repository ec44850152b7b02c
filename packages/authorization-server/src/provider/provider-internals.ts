import type { errors } from 'oidc-provider';
import type * as GrantHelpers from 'oidc-provider/lib/helpers/grants.js';
import { z } from 'zod';

/**
 * The internal functions of oidc-provider that this package uses. No other file uses any.
 *
 * `lib/helpers/grants.js` contains the functions that oidc-provider offers to custom grants, without a promise of stability.
 * This file of oidc-provider is loaded at the first token request, because oidc-provider is optional and need not be installed.
 */
export interface ProviderInternals {
  /** Verifies the DPoP proof of this request and its nonce (RFC 9449 section 4.3); undefined if there is no proof. */
  readonly validateDpop: typeof GrantHelpers.validateDpop;
  /** Refuses a proof that was used before (RFC 9449 section 11.1). */
  readonly checkDpopReplay: typeof GrantHelpers.checkDpopReplay;
  /** Refuses a client registered with `dpop_bound_access_tokens` that sent no proof. */
  readonly checkDpopRequired: typeof GrantHelpers.checkDpopRequired;
  /** The certificate to bind tokens to, for a client that is registered for certificate-bound tokens (RFC 8705). */
  readonly checkMtlsCert: typeof GrantHelpers.checkMtlsCert;
  /** Finds the account of a refresh token with the provider's `findAccount`. */
  readonly findAccount: typeof GrantHelpers.findAccount;
  /** The error classes, which are public in oidc-provider. */
  readonly errors: typeof errors;
}

const GRANT_HELPERS = 'oidc-provider/lib/helpers/grants.js';

const isFunction = z.custom<(...parameters: never[]) => unknown>((value) => typeof value === 'function');
const helpersSchema = z.object({
  validateDpop: isFunction,
  checkDpopReplay: isFunction,
  checkDpopRequired: isFunction,
  checkMtlsCert: isFunction,
  findAccount: isFunction,
});

let loaded: Promise<ProviderInternals> | undefined;

/** Loads the functions once. Rejects with the missing names if the installed oidc-provider does not have them. */
export function providerInternals(): Promise<ProviderInternals> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<ProviderInternals> {
  const [helpers, provider] = await Promise.all([
    import('oidc-provider/lib/helpers/grants.js').catch((cause: unknown) => {
      throw new Error(`${GRANT_HELPERS} does not exist; this package needs oidc-provider 9.13.3`, { cause });
    }),
    import('oidc-provider'),
  ]);
  const checked = helpersSchema.safeParse(helpers);
  if (!checked.success) {
    const missing = checked.error.issues.map((issue) => issue.path.join('.')).join(', ');
    throw new Error(`${GRANT_HELPERS} does not have: ${missing}`);
  }
  const { validateDpop, checkDpopReplay, checkDpopRequired, checkMtlsCert, findAccount } = helpers;
  return { validateDpop, checkDpopReplay, checkDpopRequired, checkMtlsCert, findAccount, errors: provider.errors };
}
