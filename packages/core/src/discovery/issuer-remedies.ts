import { identifier, isPlainIdentifier, parsedUrl } from '@credence/protocol';

/** What is known of an MCP server whose issuer has two spellings. */
export interface IssuerOfServer {
  /** The name of the server in the configuration. */
  readonly name: string;
  /** Whether the issuer was discovered, and not configured. */
  readonly isDiscovered: boolean;
  /** The resource identifier in the server's metadata. Undefined if the metadata is not read, because `resource` is configured. */
  readonly resource?: string | undefined;
  /** The authorization servers in the server's metadata. */
  readonly listed: readonly string[];
}

/**
 * The remedy if the metadata of `issuer` names itself `named`. It names all options that are needed, so that no other check fails
 * after the change: a configured `resource` ends the comparison with the server's list, and a configured token endpoint the one with
 * the issuer's metadata.
 */
export function remedyForIssuerOfMetadata(about: {
  readonly issuer: string;
  readonly named: string | undefined;
  readonly tokenEndpoint: string | undefined;
  /** The path of the option with the issuer. */
  readonly option: string;
  /** Undefined for the IdP. */
  readonly server?: IssuerOfServer | undefined;
}): string {
  const { issuer, named, tokenEndpoint, option, server } = about;
  const pin = tokenEndpointOption(option);
  if (named === undefined || !isPlainIdentifier(named) || parsedUrl(named) === undefined)
    return `Check ${option}; if it is right, ask for "issuer" in the metadata to be corrected, or set ${pin}.`;
  const settings = [`${option} to "${named}"`];
  const { resource, listed = [], isDiscovered = false } = server ?? {};
  if (resource !== undefined && (isDiscovered || (listed.length > 0 && !listed.includes(named))))
    settings.push(`servers.${server?.name}.resource to "${resource}"`);
  const inner = difference(issuer, named) === 'host' ? onHostOf(issuer, named, tokenEndpoint) : undefined;
  const reached =
    inner === undefined
      ? ''
      : ` If the host of "${named}" cannot be reached from the machine of the bot, set also ${pin} to "${inner}".`;
  const change = `If the issuer in the metadata is right, set ${settings.join(' and ')}; a trailing slash counts.${reached}`;
  const shown = tokenEndpoint === undefined || !isPlainIdentifier(tokenEndpoint) ? undefined : tokenEndpoint;
  // The IdP issues its ID-JAGs with the issuer of its metadata, so keeping the other spelling does not help there. An endpoint that a
  // discovered issuer names is no reason to send it a credential.
  if (server === undefined || isDiscovered || shown === undefined) return change;
  return `${change} If the IdP knows the authorization server as "${issuer}", keep it and set ${pin} to "${inner ?? shown}".`;
}

/** The remedy if the metadata of a server does not list its configured issuer. */
export function remedyForUnlistedIssuer(server: IssuerOfServer, issuer: string): string {
  const { name, listed, resource } = server;
  const at = `servers.${name}`;
  const plain = listed.filter((entry) => isPlainIdentifier(entry));
  const keep =
    resource === undefined
      ? ''
      : ` If "${issuer}" is what the authorization server calls itself, keep it and set ${at}.resource to "${resource}", so that the list is not compared.`;
  const respelt = plain.find((entry) => difference(entry, issuer) === 'spelling');
  if (respelt !== undefined)
    return `Set ${at}.issuer to "${respelt}"; a trailing slash counts.${keep} The credential was not sent.`;
  const moved = plain.find((entry) => difference(entry, issuer) === 'host');
  if (moved !== undefined) {
    const origin = parsedUrl(issuer)?.origin ?? issuer;
    return `Check ${at}.url. If it is right and both are one authorization server, set ${at}.issuer to ${identifier(moved)}, and ${at}.tokenEndpoint to the URL of its token endpoint under ${origin} if only that host can be reached from the machine of the bot.${keep} The credential was not sent.`;
  }
  return `Check ${at}.issuer (a trailing slash counts) and ${at}.url; the credential was not sent.`;
}

/** The option that pins the token endpoint of the issuer in `option`. */
export function tokenEndpointOption(option: string): string {
  return option.replace(/issuer$/u, 'tokenEndpoint');
}

/** How two issuers differ: only in their spelling, in scheme, host, port and perhaps a prefix of the path, or otherwise. */
function difference(a: string, b: string): 'spelling' | 'host' | 'other' {
  const [first, second] = [parsedUrl(a), parsedUrl(b)];
  if (first === undefined || second === undefined) return 'other';
  if (pathOf(first) === pathOf(second)) return first.origin === second.origin ? 'spelling' : 'host';
  return first.origin !== second.origin && isBelow(pathOf(first), pathOf(second)) ? 'host' : 'other';
}

/** Whether one path is the other with a prefix, which a proxy in front of the issuer adds or removes. */
function isBelow(a: string, b: string): boolean {
  const [longer, shorter] = a.length > b.length ? [a, b] : [b, a];
  return shorter !== '' && longer.endsWith(shorter);
}

function pathOf({ pathname, search }: URL): string {
  return pathname.replace(/\/+$/u, '').toLowerCase() + search;
}

/**
 * The URL `endpoint` in the metadata of `named`, with the scheme, host, port and path of `issuer` in place of those of `named`. An endpoint
 * that has the host of `issuer` already stays as it is.
 */
function onHostOf(issuer: string, named: string, endpoint: string | undefined): string | undefined {
  const [inner, outer, url] = [issuer, named, endpoint ?? ''].map((text) => parsedUrl(text));
  if (inner === undefined || outer === undefined || url === undefined) return undefined;
  const [innerPath, outerPath] = [inner, outer].map(({ pathname }) => pathname.replace(/\/+$/u, ''));
  const isUnderIssuer = url.origin !== inner.origin && `${url.pathname}/`.startsWith(`${outerPath}/`);
  const path = isUnderIssuer ? `${innerPath}${url.pathname.slice(outerPath?.length)}` : url.pathname;
  const moved = `${inner.origin}${path}${url.search}`;
  return isPlainIdentifier(moved) ? moved : undefined;
}
