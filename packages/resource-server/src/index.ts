export {
  type BrowserAccess,
  type BrowserAccessOptions,
  DPOP_ALGORITHMS,
  type DpopNonces,
  type DpopOptions,
  type ExpressErrorHandler,
  type FetchLike,
  type ReplayStore,
  ReplayStoreFullError,
  dpopNonces,
  memoryReplayStore,
} from '@credence/protocol';
export {
  type AccessTokenVerifier,
  type AccessTokenVerifierOptions,
  type JwtOptions,
  accessTokenVerifier,
} from './access-token/access-token-verifier.ts';
export type { AccessTokenIdentity, AccessTokenInfo } from './access-token/auth-info.ts';
export {
  type AccessTokenErrors,
  InvalidAccessTokenError,
  TokenVerificationUnavailableError,
} from './access-token/errors.ts';
export type { JwtForm, JwtType } from './access-token/jwt-form.ts';
export type { IntrospectionOptions } from './access-token/introspection.ts';
export type {
  AccessRefusal,
  AccessRefusalCode,
  OnRefused,
  TokenIdentity,
  TokenRefusal,
  TokenRefusalCode,
} from './access-token/refusals.ts';
export {
  type ExpressAccessToken,
  accessTokenGate,
  honoAccessToken,
  expressAccessToken,
} from './gate/access-token-gate.ts';
export { type Caller, callerOf } from './gate/caller.ts';
export type { AccessTokenGateOptions, GateDpopOptions } from './gate/gate.ts';
export {
  type ToolScopeTable,
  type ToolScopesMiddleware,
  type ToolScopesOptions,
  missingScopes,
  requiredScopes,
  toolCallRecords,
  toolScopes,
} from './gate/tool-scopes.ts';
export { toolScopeMeta, type ToolScopeMeta } from './gate/tool-scope-meta.ts';
export type { ToolCallRecord } from './gate/tool-call-record.ts';
export { browserAccess } from './http/browser-access.ts';
export { type JsonRpcErrorsOptions, jsonRpcErrors } from './http/json-rpc-errors.ts';
export {
  type ProtectedResourceDocument,
  type ProtectedResourceMetadata,
  type ProtectedResourceOptions,
  protectedResourceMetadata,
} from './metadata/protected-resource-metadata.ts';
export {
  type BoundSessions,
  type BoundSessionsOptions,
  boundSessions,
  type HonoContext,
} from './sessions/bound-sessions.ts';
export type { SessionStore } from './sessions/session-store.ts';
