/** Protocol identifiers, each with the document that defines it. */

/** RFC 8693 section 2.1. */
export const GRANT_TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
/** RFC 7523 section 2.1. */
export const GRANT_JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** draft-ietf-oauth-identity-assertion-authz-grant: the grant type for an ID-JAG that is bound to a key, with a DPoP proof. */
export const GRANT_JWT_DPOP = 'urn:ietf:params:oauth:grant-type:jwt-dpop';
/** RFC 6749 section 4.4. */
export const GRANT_CLIENT_CREDENTIALS = 'client_credentials';

/** RFC 7523 section 2.2. */
export const CLIENT_ASSERTION_TYPE_JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** draft-ietf-oauth-identity-assertion-authz-grant: the requested and issued token type of an ID-JAG. */
export const TOKEN_TYPE_ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag';
/**
 * A misspelling of {@link TOKEN_TYPE_ID_JAG} that some articles use and no IdP accepts. Used only to recognize this misspelling
 * and report it.
 */
export const TOKEN_TYPE_ID_JAG_MISSPELT = 'urn:ietf:params:oauth:token-type:id_jag';
/** RFC 8693 section 3. */
export const TOKEN_TYPE_ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
/** RFC 8693 section 3. */
export const TOKEN_TYPE_REFRESH_TOKEN = 'urn:ietf:params:oauth:token-type:refresh_token';
/** RFC 8693 section 3. */
export const TOKEN_TYPE_ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';
/** RFC 8693 section 3. */
export const TOKEN_TYPE_SAML2 = 'urn:ietf:params:oauth:token-type:saml2';
/** RFC 8693 section 3. */
export const TOKEN_TYPE_JWT = 'urn:ietf:params:oauth:token-type:jwt';

/** The `typ` header of an ID-JAG. */
export const ID_JAG_TYP = 'oauth-id-jag+jwt';
/** The value of `authorization_grant_profiles_supported` of an authorization server that redeems ID-JAGs. */
export const GRANT_PROFILE_ID_JAG = 'urn:ietf:params:oauth:grant-profile:id-jag';

/** MCP extension: enterprise-managed authorization. */
export const EXTENSION_EMA = 'io.modelcontextprotocol/enterprise-managed-authorization';
/** MCP extension: OAuth client credentials. */
export const EXTENSION_CLIENT_CREDENTIALS = 'io.modelcontextprotocol/oauth-client-credentials';
/** MCP extension: workload identity federation (SEP-1933). */
export const EXTENSION_WIF = 'io.modelcontextprotocol/auth/wif';
