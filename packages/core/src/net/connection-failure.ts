import { environmentProxy, type FetchLike, isDefaultFetch } from '@credence/protocol';
import { causeOf, errorCode, isCredenceError } from '../errors/credence-error.ts';
import type { Contact } from '../errors/leg.ts';

/** Why a request got no response, and who can do what about it. */
export interface ConnectionFailure {
  /** The code of the cause, such as `ECONNREFUSED`. */
  readonly code: string | undefined;
  /** What happened, as a clause. Undefined if the code says nothing more. */
  readonly reason: string | undefined;
  readonly remedy: string;
  readonly contact: Contact;
  /** Whether the same request may succeed later without a change by a person. */
  readonly retryable: boolean;
  /** Whether no connection was made, so that the peer cannot have seen the request. */
  readonly neverConnected: boolean;
  /** The status with which a proxy refused the request. */
  readonly status?: number | undefined;
}

interface Kind {
  readonly codes: RegExp;
  readonly reason?: string;
  readonly remedy: (about: { option: string; url: URL }) => string;
  /** `peer`: the person who administers the peer. */
  readonly contact: 'you' | 'peer';
  /** Default false. */
  readonly retryable?: boolean;
  /** False if the code can also mean that a connection ended. Default true. */
  readonly neverConnected?: boolean;
  /** Whether the cause can be a proxy: one that is not used, or one that is down. Default false. */
  readonly mayNeedProxy?: boolean;
}

/** Each kind of failure by the code that Node.js, OpenSSL or undici gives to it. The first that matches counts. */
const KINDS: readonly Kind[] = [
  {
    codes:
      /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(?:_LOCALLY)?|CERT_UNTRUSTED|CERT_REJECTED|CERT_CHAIN_TOO_LONG|INVALID_CA|PATH_LENGTH_EXCEEDED)$/u,
    reason: 'its certificate is not signed by an authority that this process trusts',
    remedy: () =>
      'If the authority is your own, or that of a proxy which inspects TLS, set NODE_EXTRA_CA_CERTS to a PEM file with its certificate before the process starts; if it is not, ask the operator of the peer for a complete certificate chain.',
    contact: 'you',
  },
  {
    codes: /^(?:CERT|CRL)_HAS_EXPIRED$/u,
    reason: 'its certificate has expired',
    remedy: () =>
      'Ask for the certificate to be renewed; if it has not expired, correct the clock of the machine of the bot.',
    contact: 'peer',
  },
  {
    codes: /^(?:CERT|CRL)_NOT_YET_VALID$/u,
    reason: 'its certificate is not valid yet',
    remedy: () =>
      'Check the clock of the machine of the bot; if it is right, ask the operator of the peer for a certificate that is valid now.',
    contact: 'you',
  },
  {
    codes: /^CERT_REVOKED$/u,
    reason: 'its certificate was revoked',
    remedy: () => 'Ask for a new certificate.',
    contact: 'peer',
  },
  {
    codes: /^(?:ERR_TLS_CERT_ALTNAME_INVALID|ERR_TLS_CERT_ALTNAME_FORMAT|HOSTNAME_MISMATCH|IP_ADDRESS_MISMATCH)$/u,
    reason: 'its certificate is for another host',
    remedy: ({ option, url }) =>
      `Check ${option}: use a host that the certificate names; if ${url.hostname} is right, ask for a certificate that names it.`,
    contact: 'you',
  },
  {
    codes:
      /^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNKNOWN_PROTOCOL|RECORD_LAYER_FAILURE|BAD_RECORD_TYPE|INVALID_RECORD_TYPE)$/u,
    reason: 'it does not speak TLS on that port, perhaps plain http',
    remedy: ({ option }) =>
      `Check the scheme and the port of ${option}: https needs a port on which the peer speaks TLS.`,
    contact: 'you',
  },
  {
    codes:
      /^ERR_SSL_.*(?:CERTIFICATE_REQUIRED|ALERT_BAD_CERTIFICATE|ALERT_UNKNOWN_CA|ALERT_CERTIFICATE_\w+|DID_NOT_RETURN_A_CERTIFICATE)$/u,
    reason: 'it requires a client certificate (mutual TLS) that it accepts',
    remedy: () =>
      'Give a function as `fetch` that sends a client certificate, or ask for an endpoint without mutual TLS.',
    contact: 'you',
    neverConnected: false,
  },
  {
    codes:
      /^ERR_SSL_.*(?:UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|NO_PROTOCOLS_AVAILABLE|HANDSHAKE_FAILURE|NO_SHARED_CIPHER|INSUFFICIENT_SECURITY|KEY_TOO_SMALL|DH_KEY_TOO_SMALL|UNSAFE_LEGACY_RENEGOTIATION_DISABLED)$/u,
    reason: 'it has no version of TLS or no cipher in common with this process',
    remedy: () => 'Ask for TLS 1.2 or later to be enabled there, or whether it requires a client certificate.',
    contact: 'peer',
  },
  {
    codes: /^(?:ERR_SSL_|ERR_TLS_|CERT_|CRL_|UNABLE_TO_|EPROTO$)/u,
    reason: 'the TLS connection could not be made',
    remedy: ({ option }) => `Check ${option}, and TLS on the machine of the bot and of the peer.`,
    contact: 'peer',
    neverConnected: false,
  },
  {
    codes: /^(?:ENOTFOUND|EAI_\w+|ENODATA|ESERVFAIL|EREFUSED|ENONAME|EBADNAME|ENOTIMP|ETIMEOUT|EBADRESP)$/u,
    reason: 'its host name could not be resolved',
    remedy: ({ option }) => `Check ${option}, and DNS on the machine of the bot.`,
    contact: 'you',
    retryable: true,
    mayNeedProxy: true,
  },
  {
    codes: /^(?:EMFILE|ENFILE)$/u,
    reason: 'this process has no free file descriptor',
    remedy: () => 'Raise the limit of open files (ulimit -n), or acquire fewer tokens and send fewer calls at once.',
    contact: 'you',
    retryable: true,
  },
  {
    codes: /^(?:ENOBUFS|ENOMEM|EADDRNOTAVAIL|EADDRINUSE|EAGAIN)$/u,
    reason: 'the machine of the bot has no free port, address or memory for a connection',
    remedy: () => 'Check the addresses of that machine, and how many connections are open there.',
    contact: 'you',
    retryable: true,
  },
  {
    codes: /^(?:ENETUNREACH|EHOSTUNREACH|ENETDOWN|EHOSTDOWN|ENONET|EAFNOSUPPORT)$/u,
    reason: 'the machine of the bot has no route to it',
    remedy: ({ option }) =>
      `Check ${option}, and the network of that machine: its routes, its VPN and whether it has IPv6.`,
    contact: 'you',
    retryable: true,
    mayNeedProxy: true,
  },
  {
    codes: /^(?:EPERM|EACCES|ERR_ACCESS_DENIED)$/u,
    reason: 'this process may not connect to it',
    remedy: () => 'Allow the connection in the firewall, the sandbox or the permissions of the process.',
    contact: 'you',
  },
  {
    codes: /^HPE_/u,
    reason: 'it does not speak HTTP on that port, perhaps https',
    remedy: ({ option }) => `Check the scheme and the port of ${option}.`,
    contact: 'you',
    neverConnected: false,
  },
  {
    codes: /^ECONNREFUSED$/u,
    reason: 'no process accepts connections there',
    remedy: ({ option }) => `Check ${option}; if it is right, ask whether the peer is up.`,
    contact: 'peer',
    retryable: true,
    mayNeedProxy: true,
  },
  {
    codes: /^(?:UND_ERR_CONNECT_TIMEOUT|ETIMEDOUT)$/u,
    reason: 'no connection was made in time',
    remedy: ({ option }) =>
      `Check ${option}, and the firewall and the proxy of the bot; if they are right, ask whether the peer is up.`,
    contact: 'peer',
    retryable: true,
    mayNeedProxy: true,
  },
];

/** A cause that is not known by a code: the connection ended, or a library says nothing. */
const OTHER: Kind = {
  codes: /^/u,
  remedy: ({ option, url }) =>
    `Check ${option}${url.protocol === 'http:' ? ' (with https, if the peer speaks TLS on that port)' : ''}, and DNS, proxy and TLS on the machine of the bot; if they are right, ask whether the peer is up.`,
  contact: 'peer',
  retryable: true,
  neverConnected: false,
  mayNeedProxy: true,
};

/**
 * Explains why `fetch` rejected a request to `url` with `error`. `option` is the path of the option that the URL comes from, and
 * `contact` the person who administers the peer.
 */
export function connectionFailure(
  error: unknown,
  about: { readonly url: string; readonly option: string; readonly contact: Contact; readonly fetch: FetchLike },
): ConnectionFailure {
  const { option, url, fetch } = about;
  const code = errorCode(error);
  const known = { code, contact: 'you', retryable: false, neverConnected: true } as const;
  const proxy = environmentProxy(url, fetch);
  // A proxy that nobody configured can stand between this machine and the peer. A fetch of the caller has errors of its own.
  const mayBeProxy = proxy?.isUsed === true || isDefaultFetch(fetch);
  const status = proxyStatus(error, mayBeProxy);
  if (status !== undefined) return { ...known, status, ...refusalOfProxy(status, proxy?.variable ?? 'HTTPS_PROXY') };
  if (messages(error).includes('bad port')) {
    const remedy = `Use another port in ${option}: the Fetch standard forbids this one, because another protocol uses it.`;
    return { ...known, reason: 'fetch does not connect to its port', remedy, retryable: true };
  }
  const kind = kindOf(code);
  const remedy = kind.remedy({ option, url: new URL(url) });
  const isThroughProxy = proxy !== undefined && kind.mayNeedProxy === true;
  return {
    code,
    reason: kind.reason,
    remedy: isThroughProxy ? `${proxyRemedy(proxy)} ${remedy}` : remedy,
    contact: kind.contact === 'you' || isThroughProxy ? 'you' : about.contact,
    retryable: kind.retryable ?? false,
    neverConnected: neverConnected(error, mayBeProxy),
  };
}

/** The sentence about the proxy that an environment variable names, for a request that got no response. */
export function proxyRemedy({ variable, isUsed }: { readonly variable: string; readonly isUsed: boolean }): string {
  return isUsed
    ? `Check the proxy that ${variable} names, through which the request goes.`
    : `${variable} is set, but this fetch does not read it: set proxy to 'environment' if the request must go through that proxy.`;
}

/**
 * Whether `error` shows that no connection was made, so that the peer cannot have seen the request. False if that is not known. The
 * error is one that `fetch` threw, or a CredenceError for it.
 */
export function neverConnected(error: unknown, mayBeProxy = false): boolean {
  if (proxyStatus(error, mayBeProxy) !== undefined || messages(error).includes('bad port')) return true;
  const code = isCredenceError(error) ? error.causeCode : errorCode(error);
  if (code === 'ETIMEDOUT' || code === 'ECONNRESET') return wasConnecting(error);
  return code !== undefined && (kindOf(code).neverConnected ?? true);
}

function kindOf(code: string | undefined): Kind {
  return (code === undefined ? undefined : KINDS.find(({ codes }) => codes.test(code))) ?? OTHER;
}

/** The status with which a proxy refused the request, or a tunnel to the peer. undici has it in the message of its error only. */
function proxyStatus(error: unknown, mayBeProxy = false): number | undefined {
  // fetch makes a network error without a reason of a response with 407. An AggregateError is about the addresses of a host.
  const [first, second] = messages(error);
  if (mayBeProxy && !hasErrors(error) && first === 'fetch failed' && second === '' && errorCode(error) === undefined)
    return 407;
  const [, status] = /Proxy response \((\d{3})\)/u.exec(messages(error).join(' ')) ?? [];
  return status === undefined ? undefined : Number(status);
}

function hasErrors(error: unknown): boolean {
  return causes(error).some((cause) => 'errors' in cause);
}

function refusalOfProxy(status: number, variable: string): Pick<ConnectionFailure, 'reason' | 'remedy' | 'retryable'> {
  const reason = `the proxy answered ${status}`;
  if (status === 407) return { reason, remedy: proxyAuthentication(variable), retryable: false };
  return {
    reason,
    remedy: `Ask the operator of the proxy that ${variable} names whether it allows this host, or add the host to NO_PROXY.`,
    retryable: status >= 500,
  };
}

/** What to do if a proxy requires authentication (407). */
export function proxyAuthentication(variable = 'HTTPS_PROXY'): string {
  return `The proxy requires authentication: put its user name and password into the URL in ${variable}.`;
}

/** Node.js gives the same code to a connection that was not made and to one that ended. Whether it was not made. */
function wasConnecting(error: unknown): boolean {
  return (
    causes(error).some(({ syscall }) => syscall === 'connect') ||
    messages(error).some((text) => text.includes('before secure TLS connection was established'))
  );
}

function messages(error: unknown): readonly string[] {
  return causes(error).flatMap(({ message }) => (typeof message === 'string' ? [message] : []));
}

/** The error, and the errors that caused it. */
function causes(error: unknown): readonly { readonly message?: unknown; readonly syscall?: unknown }[] {
  const found: object[] = [];
  for (let at = error, depth = 0; typeof at === 'object' && at !== null && depth < 5; depth += 1) {
    found.push(at);
    at = causeOf(at);
  }
  return found;
}
