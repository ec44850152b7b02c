import type { errors } from 'oidc-provider';
import type * as GrantHelpers from 'oidc-provider/lib/helpers/grants.js';
import { z } from 'zod';

/**
 * Everything taken from inside oidc-provider, and nothing anywhere else in this package is.
 *
 * `lib/helpers/grants.js` is what oidc-provider offers to custom grants, outside its promise of stable versions. It
 * is loaded when the first token request arrives rather than with this package, because a resource server that only
 * verifies tokens does not install oidc-provider.
 */
export interface ProviderInternals {
  /** RFC 9449 section 4.3: the proof on this request, verified, nonces included; undefined where there is none. */
  readonly validateDpop: typeof GrantHelpers.validateDpop;
  /** RFC 9449 section 11.1: a proof is accepted once. */
  readonly checkDpopReplay: typeof GrantHelpers.checkDpopReplay;
  /** Refuses a client registered with `dpop_bound_access_tokens` that sent no proof. */
  readonly checkDpopRequired: typeof GrantHelpers.checkDpopRequired;
  /** RFC 8705: the certificate to bind tokens to, for a client registered to have them bound. */
  readonly checkMtlsCert: typeof GrantHelpers.checkMtlsCert;
  /** The account of a refresh token, by the provider's own `findAccount`. */
  readonly findAccount: typeof GrantHelpers.findAccount;
  /** Public API of oidc-provider. */
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

/** Loads them once. Rejects with what is missing where the installed oidc-provider has moved them. */
export function providerInternals(): Promise<ProviderInternals> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<ProviderInternals> {
  const [helpers, provider] = await Promise.all([
    import('oidc-provider/lib/helpers/grants.js').catch((cause: unknown) => {
      throw new Error(`${GRANT_HELPERS} is not where oidc-provider 9.13.3 has it`, { cause });
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
