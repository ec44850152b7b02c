import { auth0 } from './auth0.ts';
import { c1 } from './c1.ts';
import { entra } from './entra.ts';
import { keycloak } from './keycloak.ts';
import { okta } from './okta.ts';

/**
 * Answers of identity providers and authorization servers, for {@link NextAnswer.respond} and `refuse`. Each names its source. An
 * answer that a vendor has not published is not here.
 *
 * @example
 * <!-- from examples/unit-test.ts#vendor -->
 */
export const answers = { c1, okta, entra, auth0, keycloak } as const;
