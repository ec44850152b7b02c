export {
  CLIENT_ASSERTION_TYPE_JWT_BEARER,
  EXTENSION_CLIENT_CREDENTIALS,
  EXTENSION_EMA,
  EXTENSION_WIF,
  GRANT_CLIENT_CREDENTIALS,
  GRANT_JWT_BEARER,
  GRANT_JWT_DPOP,
  GRANT_PROFILE_ID_JAG,
  GRANT_TOKEN_EXCHANGE,
  ID_JAG_TYP,
  TOKEN_TYPE_ACCESS_TOKEN,
  TOKEN_TYPE_ID_JAG,
  TOKEN_TYPE_ID_JAG_MISSPELT,
  TOKEN_TYPE_ID_TOKEN,
  TOKEN_TYPE_JWT,
  TOKEN_TYPE_REFRESH_TOKEN,
  TOKEN_TYPE_SAML2,
} from '@credence/protocol';
export { CredenceError, credenceErrorIn, type CredenceErrorJson, isCredenceError } from './errors/credence-error.ts';
export { ERROR_CODES, type ErrorCode, type ErrorCodeEntry } from './errors/codes.ts';
export type { Contact, Leg } from './errors/leg.ts';
export type { FetchLike, SigningAlgorithm } from '@credence/protocol';
export { clientAssertion, type ClientAssertionOptions } from './credentials/client-assertion.ts';
export { clientSecret, type ClientSecretOptions } from './credentials/client-secret.ts';
export type { FetchForOptions, TokenUse } from './call/fetch-for-options.ts';
export { onTokenPresented } from './call/presented-token.ts';
export { onBodyRefused, replacingResponse } from './call/response-body.ts';
export type { ClientAuthenticationRequest, ClientCredential, CredentialWarning } from './credentials/credential.ts';
export { noClientAuth } from './credentials/no-client-auth.ts';
export { type AssertionMembers, privateKeyJwt, type PrivateKeyJwtOptions } from './credentials/private-key-jwt.ts';
export type { Signer, SigningKeyInput } from './credentials/signing-key.ts';
export type { Diagnosis, DiagnosisStep } from './diagnose/report.ts';
export { generateDpopKeyPair } from './dpop/dpop-keys.ts';
export type {
  CallFailedEvent,
  ClosedEvent,
  CredenceEvent,
  EventBase,
  FailureBase,
  FailureEvent,
  JoinedEvent,
  LegEvent,
  PeerDetails,
  RejectedEvent,
  SharedEvent,
  StepUpEvent,
  TokenEvent,
  TokenFailedEvent,
  WarningCode,
  WarningEvent,
} from './runtime/events.ts';
export type { NetworkTrust } from '@credence/protocol';
export { optionsFromEnv } from './principal/from-env.ts';
export type { OnBehalfOfOptions } from './principal/on-behalf-of-options.ts';
export type {
  CredenceEventListener,
  IdpOptions,
  McpServerOptions,
  ServicePrincipalOptions,
} from './principal/options.ts';
export { ServicePrincipal, type TokenOptions } from './principal/service-principal.ts';
export type { FailureStatus, PrincipalStatus, ServerStatus, TokenStatus } from './principal/status.ts';
export type { PrincipalLimits, RetryOptions, TimeoutOptions } from './runtime/runtime.ts';
export type { CallLimits } from './settings/settings.ts';
export { fromIdToken } from './subjects/from-id-token.ts';
export { ownToken, type OwnTokenOptions } from './subjects/own-token.ts';
export { fromRefreshToken, type RefreshTokenOptions } from './subjects/from-refresh-token.ts';
export type { OnRotated } from './subjects/rotating-tokens.ts';
export type {
  SubjectContext,
  SubjectToken,
  SubjectTokenRotation,
  SubjectTokenSource,
  SubjectTokenTarget,
  TokenGetter,
} from './subjects/subject.ts';
export type { UserToken, UserTokenGetter, UserTokenType } from './subjects/user-token.ts';
export { RUN_HEADER } from '@credence/protocol';
export type { RunId } from './telemetry/run-id.ts';
export { fromWorkloadToken, type WorkloadTokenOptions } from './subjects/from-workload-token.ts';
export type { WorkloadAudience } from './workload/audience.ts';
export type { WorkloadTokenRequest, WorkloadTokenSource } from './workload/workload-token-source.ts';
export type { AuditRecord } from './telemetry/audit-record.ts';
export { auditTrail, jsonLines } from './telemetry/audit-trail.ts';
export type { Clock } from './time/clock.ts';
export type { AccessToken } from './tokens/access-token.ts';
export { memoryStore } from './store/memory-store.ts';
export type { StoreState } from './store/shared-store.ts';
export type { Lease, StoreWarning, TokenStore } from './store/token-store.ts';
