import { ENDPOINT_PATHS } from '../network/request-counts.ts';

/** The endpoint URLs of an IdP or authorization server of the sandbox. */
export interface Endpoints {
  issuer: string;
  tokenEndpoint: string;
  jwksUri: string;
  introspectionEndpoint: string;
}

export function endpointsOf(issuer: string): Endpoints {
  return {
    issuer,
    tokenEndpoint: `${issuer}${ENDPOINT_PATHS.token}`,
    jwksUri: `${issuer}${ENDPOINT_PATHS.jwks}`,
    introspectionEndpoint: `${issuer}${ENDPOINT_PATHS.introspection}`,
  };
}
