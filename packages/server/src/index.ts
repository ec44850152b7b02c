export { IdJagError, type IdJagErrorCode, type IdJagIdentity, ID_JAG_ERRORS } from './id-jag/error.ts';
export { memoryReplayStore, type ReplayPolicy, type ReplayStore } from './id-jag/replay.ts';
export type { AuthorizationDetail, IdJag, TrustedIssuer } from './id-jag/types.ts';
export { verifyIdJag, type VerifyIdJagOptions } from './id-jag/verify.ts';
export type { IssueAuditRecord } from './issue/audit.ts';
export { issueIdJag, type IssueIdJagOptions } from './issue/issue-id-jag.ts';
export type {
  IdJagDecision,
  IdJagDenial,
  IdJagGrant,
  IdJagPolicy,
  IdJagRequest,
  UserAuthentication,
} from './issue/policy.ts';
export { issuePrincipalIdTokens, type PrincipalIdTokenOptions } from './issue/principal-id-token.ts';
export type { DenialStatus, IssueStatus } from './issue/status.ts';
export type { ClaimCondition, WorkloadPlatform, WorkloadRule } from './issue/subject-tokens/workload-platform.ts';
export type { FetchLike } from './keys/fetch-json.ts';
export { createSigningKeys, type SigningAlgorithm, SigningKeys, type SigningKeysOptions } from './keys/signing-keys.ts';
export type {
  PolicyPrincipal,
  PolicyServer,
  PolicySubject,
  PolicyTableOptions,
  RequiredAuthentication,
  ScopeGrant,
} from './policy/options.ts';
export { type PolicyTable, policyTable, type PolicyTableSnapshot } from './policy/policy-table.ts';
export {
  idJagAuthorizationServerConfiguration,
  idJagIdentityProviderConfiguration,
  type ProviderConfigurationOptions,
} from './provider/configuration.ts';
export { GrantRefusal } from './provider/refusal.ts';
export type { RedeemAuditRecord } from './redeem/audit.ts';
export type { RedeemIdJagOptions, ResourceOptions } from './redeem/options.ts';
export { redeemIdJag } from './redeem/redeem-id-jag.ts';
export {
  accessTokenVerifier,
  type AccessTokenVerifier,
  type AccessTokenVerifierOptions,
} from './resource-server/access-token-verifier.ts';
export type { AccessTokenIdentity, AccessTokenInfo } from './resource-server/auth-info.ts';
export {
  type AccessTokenErrors,
  InvalidAccessTokenError,
  TokenVerificationUnavailableError,
} from './resource-server/errors.ts';
export type { IntrospectionOptions } from './resource-server/introspection.ts';
export {
  protectedResourceMetadata,
  type ProtectedResourceDocument,
  type ProtectedResourceMetadata,
  type ProtectedResourceOptions,
} from './resource-server/protected-resource-metadata.ts';
export {
  missingScopes,
  requiredScopes,
  toolScopes,
  type ToolScopesMiddleware,
  type ToolScopesOptions,
  type ToolScopeTable,
} from './resource-server/tool-scopes.ts';
