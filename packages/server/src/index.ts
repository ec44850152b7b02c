export { dpopNonces, type DpopNonces } from './dpop/nonces.ts';
export { DPOP_ALGORITHMS, type DpopOptions } from './dpop/proof.ts';
export type { PresentedClient } from './grant/client-credentials.ts';
export { GrantRefusal } from './grant/refusal.ts';
export { IdJagError, type IdJagErrorCode, type IdJagIdentity, ID_JAG_ERRORS } from './id-jag/error.ts';
export type { VerifyIdJagOptions } from './id-jag/options.ts';
export type { ReplayPolicy } from './id-jag/replay.ts';
export type {
  AuthorizationDetail,
  ClaimMapping,
  ClaimPath,
  EmailLinking,
  IdJag,
  TrustedIssuer,
} from './id-jag/types.ts';
export { verifyIdJag } from './id-jag/verify.ts';
export type { IssueAuditRecord } from './issue/audit.ts';
export { issueIdJag, type IssueIdJagOptions } from './issue/issue-id-jag.ts';
export type {
  IdJagDecision,
  IdJagDenial,
  IdJagGrant,
  IdJagPolicy,
  IdJagRequest,
  RefreshTokenAuthorization,
  UserAuthentication,
} from './issue/policy.ts';
export { issuePrincipalIdTokens, type PrincipalIdTokenOptions } from './issue/principal-id-token.ts';
export type { DenialStatus, IssueStatus } from './issue/status.ts';
export type { ClaimCondition, WorkloadPlatform, WorkloadRule } from './issue/subject-tokens/workload-platform.ts';
export type { FetchLike } from './keys/fetch-json.ts';
export { createSigningKeys, type SigningAlgorithm, SigningKeys, type SigningKeysOptions } from './keys/signing-keys.ts';
export type { DenialFacts } from './policy/denial-facts.ts';
export type { HeldScopes } from './policy/grants.ts';
export type {
  PolicyPrincipal,
  PolicyServer,
  PolicySubject,
  PolicyTableOptions,
  RequiredAuthentication,
  ScopeGrant,
} from './policy/options.ts';
export { type PolicyTable, policyTable } from './policy/policy-table.ts';
export type { PolicySubjectSnapshot, PolicyTableSnapshot } from './policy/snapshot.ts';
export {
  idJagAuthorizationServerConfiguration,
  idJagIdentityProviderConfiguration,
  type ProviderConfigurationOptions,
} from './provider/configuration.ts';
export { idJagTokenClaims } from './provider/extra-token-claims.ts';
export {
  type AccountDirectory,
  type GrantUse,
  linkAccounts,
  type LinkedAccount,
  type SubjectKey,
} from './redeem/accounts.ts';
export type { RedeemAuditRecord } from './redeem/audit.ts';
export type { RedeemIdJagOptions, RedemptionRules, ResourceOptions, ResourceRules } from './redeem/options.ts';
export type { Redemption } from './redeem/redemption.ts';
export type { ScopeRule } from './redeem/scope-rules.ts';
export { redeemIdJag } from './redeem/redeem-id-jag.ts';
export { memoryReplayStore } from './replay/memory-replay-store.ts';
export { type ReplayStore, ReplayStoreFullError } from './replay/replay-store.ts';
export {
  accessTokenGate,
  honoAccessToken,
  type RequireAccessToken,
  requireAccessToken,
} from './resource-server/access-token-gate.ts';
export {
  accessTokenVerifier,
  type AccessTokenVerifier,
  type AccessTokenVerifierOptions,
} from './resource-server/access-token-verifier.ts';
export type { AccessTokenIdentity, AccessTokenInfo } from './resource-server/auth-info.ts';
export { type Caller, callerOf } from './resource-server/caller.ts';
export {
  type AccessTokenErrors,
  InvalidAccessTokenError,
  TokenVerificationUnavailableError,
} from './resource-server/errors.ts';
export type { AccessTokenGateOptions, GateDpopOptions } from './resource-server/gate.ts';
export type { IntrospectionOptions } from './resource-server/introspection.ts';
export {
  protectedResourceMetadata,
  type ProtectedResourceDocument,
  type ProtectedResourceMetadata,
  type ProtectedResourceOptions,
} from './resource-server/protected-resource-metadata.ts';
export type {
  AccessRefusal,
  AccessRefusalCode,
  OnRefused,
  TokenRefusal,
  TokenRefusalCode,
} from './resource-server/refusals.ts';
export {
  missingScopes,
  requiredScopes,
  toolScopes,
  type ToolScopesMiddleware,
  type ToolScopesOptions,
  type ToolScopeTable,
} from './resource-server/tool-scopes.ts';
export { accessTokenClaims } from './token-endpoint/access-token-claims.ts';
export { expressIdJag, honoIdJag } from './token-endpoint/adapters.ts';
export { idJagTokenEndpoint, type IdJagTokenEndpointOptions } from './token-endpoint/id-jag-token-endpoint.ts';
export { withIdJagMetadata } from './token-endpoint/metadata.ts';
