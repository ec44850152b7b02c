import { baseUrl } from '../options.ts';
import { invalid } from '../errors.ts';

/** The parts of a client id of C1, such as `clever-fox-42195@acme.conductor.one/spc`. */
export interface C1ClientId {
  readonly clientId: string;
  /** The host of the tenant, with the port if there is one. */
  readonly host: string;
  /** `spc`: a credential of a service principal. `wfe`: a federation trust, which has no secret. */
  readonly kind: string;
}

const FORM = /^[\w.-]+@(?<host>[a-z\d](?:[a-z\d.-]*[a-z\d])?(?::\d{1,5})?)\/(?<kind>[a-z]{2,8})$/iu;

/** Throws `invalid_configuration`. The message does not contain the client id: a secret may have been set in its place. */
export function c1ClientId(where: string, clientId: string): C1ClientId {
  const { host, kind } = FORM.exec(clientId)?.groups ?? {};
  if (host !== undefined && kind !== undefined) {
    return { clientId, host: host.toLowerCase(), kind: kind.toLowerCase() };
  }
  const isSecret = clientId.startsWith('secret-token:');
  throw invalid(
    `${where} is ${isSecret ? 'the client secret' : 'not a client id of C1'}.`,
    `Set ${where} to the client id, such as clever-fox-42195@acme.conductor.one/spc: the tenant follows the "@".`,
  );
}

/** The base URL of the tenant: `serverUrl`, else that of `tenant`, else that of the client id. Throws `invalid_configuration`. */
export function tenantUrl(
  { host }: C1ClientId,
  override: { serverUrl?: string | undefined; tenant?: string | undefined },
): string {
  const { serverUrl, tenant } = override;
  if (serverUrl !== undefined) return baseUrl('The option serverUrl of conductorOne', serverUrl.replace(/\/+$/u, ''));
  if (tenant === undefined) return baseUrl('The option clientId of conductorOne', host);
  return baseUrl('The option tenant of conductorOne', tenant.includes('.') ? tenant : `${tenant}.conductor.one`);
}
