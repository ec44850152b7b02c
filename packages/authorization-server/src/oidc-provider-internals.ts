/**
 * Code that @credence/identity-provider shares with this package and that uses types of oidc-provider. The code may change in any
 * release, so no other package may import it.
 */
export {
  type AuditedGrant,
  type GrantResult,
  registerAuditedGrant,
  type WithSecrets,
} from './provider/audited-grant.ts';
export { describeMachineProvider } from './provider/machine-metadata.ts';
export { extendAnswers } from './provider/extend-answers.ts';
export type { ProviderInternals } from './provider/provider-internals.ts';
