/**
 * What @credence/identity-provider shares with this package and what names types of oidc-provider. Not for other importers: it
 * may change in any release.
 */
export { type AuditedGrant, type Issued, registerAuditedGrant } from './provider/audited-grant.ts';
export { extendAnswers } from './provider/extend-answers.ts';
export type { ProviderInternals } from './provider/provider-internals.ts';
