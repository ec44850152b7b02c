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
export { CredenceError, type CredenceErrorInit, isCredenceError } from './errors/credence-error.ts';
export { ERROR_CODES, type ErrorCode } from './errors/codes.ts';
export type { Contact, Leg } from './errors/leg.ts';
export { cleanText } from './text/clean.ts';
