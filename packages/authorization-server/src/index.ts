export {
  type AuthorizationDetail,
  type BrowserAccess,
  type BrowserAccessOptions,
  type ClaimMapping,
  type ClaimPath,
  DPOP_ALGORITHMS,
  type DpopNonces,
  type DpopOptions,
  type EmailLinking,
  type ExpressErrorHandler,
  type FetchLike,
  ID_JAG_ERRORS,
  type IdJag,
  IdJagError,
  type IdJagErrorCode,
  type IdJagIdentity,
  type ReplayStore,
  ReplayStoreFullError,
  type TrustedIssuer,
  dpopNonces,
  memoryReplayStore,
} from '@credence/protocol';
export type { PresentedClient } from './grant/client-credentials.ts';
export { GrantRefusal } from './grant/refusal.ts';
export { oauthBrowserAccess, type OauthErrorsOptions, oauthErrors } from './http/oauth-errors.ts';
export type { VerifyIdJagOptions } from './id-jag/options.ts';
export type { ReplayPolicy } from './id-jag/replay.ts';
export { verifyIdJag } from './id-jag/verify.ts';
export {
  type AccountDirectory,
  type GrantUse,
  type LinkedAccount,
  type SubjectKey,
  linkAccounts,
} from './redeem/accounts.ts';
export type { RedeemAuditRecord } from './redeem/audit.ts';
export type { RedemptionRules, ResourceRules } from './redeem/options.ts';
export type { Redemption } from './redeem/redemption.ts';
export type { ScopeRule } from './redeem/scope-rules.ts';
export { accessTokenClaims } from './token-endpoint/access-token-claims.ts';
export { expressIdJag, honoIdJag } from './token-endpoint/adapters.ts';
export { type IdJagTokenEndpointOptions, idJagTokenEndpoint } from './token-endpoint/id-jag-token-endpoint.ts';
export { withIdJagMetadata } from './token-endpoint/metadata.ts';
