import { auth0 } from './auth0.ts';
import { c1 } from './c1.ts';
import { entra } from './entra.ts';
import { keycloak } from './keycloak.ts';
import { okta } from './okta.ts';

/**
 * Answers of identity providers and authorization servers, for `idp.next(leg).respond(answer)`, and as `answer` of `idp.refuse(...)` and
 * of the option `refuse`. Each names its public source. An answer that a vendor has not published is not here.
 *
 * @example
 * <!-- from examples/unit-test.ts#vendor -->
 * ```ts
 * idp.next('exchange', { server: 'issues' }).respond(answers.okta.notGranted());
 * await assert.rejects(bot.token('issues'), { code: 'access_denied', contact: 'idp-admin' });
 *
 * idp.next('exchange').respond(answers.okta.rateLimited());
 * idp.next('redeem').drop(); // the connection ends without an answer
 * await bot.token('documents');
 * assert.deepEqual(
 *   idp.requestsOf('exchange').map(({ server, status }) => `${server} ${status}`),
 *   ['issues 400', 'documents 429', 'documents 200'],
 * );
 * idp.expectNoPendingAnswers();
 * ```
 */
export const answers = { c1, okta, entra, auth0, keycloak } as const;
