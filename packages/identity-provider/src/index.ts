export { GrantRefusal } from '@credence/authorization-server';
export type { MachineFeatures, ProviderConfigurationOptions } from '@credence/authorization-server/internals';
export type { AuthorizationDetail, FetchLike, SigningAlgorithm } from '@credence/protocol';
export type { IssueAuditRecord } from './issue/audit.ts';
export { type IdJagIdentityProviderConfiguration, idJagIdentityProviderConfiguration } from './issue/configuration.ts';
export type { OidcProviderLike } from './issue/oidc-provider-like.ts';
export { addIdJagExchange } from './issue/add-id-jag-exchange.ts';
export type { IdJagExchangeOptions } from './issue/options.ts';
export type {
  IdJagDecision,
  IdJagDenial,
  IdJagGrant,
  IdJagPolicy,
  IdJagRequest,
  RefreshTokenAuthorization,
  UserAuthentication,
} from './issue/policy.ts';
export { type PrincipalIdTokenOptions, issuePrincipalIdTokens } from './issue/principal-id-token.ts';
export type { DenialStatus, IssueStatus } from './issue/status.ts';
export type { ClaimCondition, WorkloadPlatform, WorkloadRule } from './issue/subject-tokens/workload-platform.ts';
export type { DenialFacts } from './policy/denial-facts.ts';
export type { HeldScopes } from './policy/held-scopes.ts';
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
export { type SigningKeys, type SigningKeysOptions, createSigningKeys } from './signing-keys/signing-keys.ts';
