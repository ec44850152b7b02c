/** The catalogues of error codes that docs/errors.md lists. */
export { ERROR_CODES } from '../../packages/core/src/errors/codes.ts';
export { ID_JAG_ERRORS } from '../../packages/protocol/src/id-jag/error.ts';
export { ACCESS_REFUSALS } from '../../packages/resource-server/src/access-token/refusals.ts';
