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
} from './constants.ts';
export { checkDpopOptions } from './dpop/check-options.ts';
export { type DpopNonces, dpopNonces } from './dpop/nonces.ts';
export {
  DPOP_ALGORITHMS,
  type DpopOptions,
  DpopProofError,
  ProofReplayUnknownError,
  type PresentedProof,
  type ProvenRequest,
  type VerifiedProof,
  checkDpopProofKey,
  markDpopProofUsed,
  readDpopProof,
  verifyDpopProof,
} from './dpop/proof.ts';
export {
  type BrowserAccess,
  type BrowserRequest,
  type BrowserAccessOptions,
  createBrowserAccess,
  isPreflight,
  PUBLIC_DOCUMENT_CORS,
} from './http/browser-access.ts';
export { type ExpressErrorHandler, jsonErrorHandler, type RequestFault } from './http/request-errors.ts';
export { cleanRunId, MAX_RUN_ID, RUN_HEADER } from './http/run-id.ts';
export { actorName } from './id-jag/actor-name.ts';
export { type ClaimRules, readClaims } from './id-jag/claims.ts';
export { type DecodedAssertion, decodeAssertion } from './id-jag/decode-assertion.ts';
export { ID_JAG_ERRORS, IdJagError, type IdJagErrorCode, type IdJagIdentity, identityOf } from './id-jag/error.ts';
export { type Claims, isObject } from './id-jag/read-claim.ts';
export type {
  AuthorizationDetail,
  ClaimMapping,
  ClaimPath,
  EmailLinking,
  IdJag,
  TrustedIssuer,
} from './id-jag/types.ts';
export { type Confirmation, readConfirmation } from './jose/confirmation.ts';
export { allowsAlgorithm, mediaType } from './jose/header.ts';
export { JoseHeaderError, type KeyHeader, type ProtectedHeader, protectedHeader } from './jose/protected-header.ts';
export { jwkThumbprint, publicJwkFault } from './jose/public-jwk.ts';
export { SIGNING_ALGORITHMS, type SigningAlgorithm, isSigningAlgorithm } from './jose/signing-algorithm.ts';
export { type KeySource, checkKeySource, issuerKeys } from './keys/issuer-keys.ts';
export { KeysUnavailableError } from './keys/remote-key-set.ts';
export { verifyWithKeys } from './keys/verify-with-keys.ts';
export { discoverUrl } from './metadata/discover.ts';
export { authorizationServerUrls, protectedResourceUrls } from './metadata/well-known.ts';
export { type AddressKind, addressKind, isAddress, isLoopback } from './net/address.ts';
export { type BoundedAnswer, boundedRequest, RequestTimeoutError } from './net/bounded-request.ts';
export { checkConfiguredUrl } from './net/configured-url.ts';
export { environmentProxy } from './net/environment-proxy.ts';
export { type EnvironmentVariables, invalidProxyVariable } from './net/proxy-variables.ts';
export {
  defaultFetch,
  environmentProxyFetch,
  type FetchLike,
  type FetchUrl,
  isDefaultFetch,
} from './net/fetch-like.ts';
export { fetchNamedBy, forbiddenAddressIn } from './net/fetch-named.ts';
export { isInMemory, markInMemory } from './net/in-memory.ts';
export { decideNamedUrl } from './net/named-url.ts';
export { NotAResponseError, type ResponseLike, responseLike, thrownAtOnce } from './net/response-like.ts';
export { ForbiddenAddressError, type Resolve } from './net/resolved-address.ts';
export {
  judgeConfiguredUrl,
  judgeNamedUrl,
  type NetworkTrust,
  type UrlFault,
  type UrlVerdict,
} from './net/url-policy.ts';
export { failureOf } from './net/peer-failure.ts';
export type { Awaitable } from './options/awaitable.ts';
export { checkList } from './options/lists.ts';
export { type NumberBounds, checkNumber } from './options/numbers.ts';
export { callback, checkedElsewhere, checkShape, flag, isAbsoluteUri, scope } from './options/schemas.ts';
export { memoryReplayStore } from './replay/memory-replay-store.ts';
export { type ReplayStore, ReplayStoreFullError, checkReplayStore, storeFault } from './replay/replay-store.ts';
export { BodyTooLargeError, boundedText } from './text/bounded-text.ts';
export { cleanLines, cleanText, identifier, isPlainIdentifier } from './text/clean.ts';
export { isError } from './text/is-error.ts';
export { type JsonObject, isJsonObject, parseJsonObject, sortedEntries, stringField, stringList } from './text/json.ts';
export { redact, redactor } from './text/redact.ts';
export { parsedUrl } from './text/parsed-url.ts';
export { isNormalResource, normalResource, sameResource } from './text/resource.ts';
export { SCOPE_TOKEN, scopesNotIn, normaliseScopes, parseScopes, unionScopes, withoutSecrets } from './text/scopes.ts';
export { quoted } from './text/quoted.ts';
export { type LruCache, lruCache } from './cache/lru-cache.ts';
export { type ConcurrencyLimiter, concurrencyLimiter, type ConcurrencyLimits } from './time/concurrency-limiter.ts';
export { waitFor } from './time/wait-for.ts';
export { within } from './time/within.ts';
