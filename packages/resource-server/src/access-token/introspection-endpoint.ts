import { discoverUrl, failureOf, type FetchLike } from '@credence/protocol';
import { TokenVerificationUnavailableError } from './errors.ts';

/** The pause after a discovery, successful or not, before the next one. */
const PAUSE_MS = 1000;

const REMEDY =
  "If the failure does not end: set issuer to the issuer in the authorization server's metadata, or set introspection.endpoint.";

/** A discovered endpoint. A later one with the same URL is another object, so that an old failure does not drop it. */
export interface DiscoveredEndpoint {
  readonly url: string;
  /** Epoch milliseconds. */
  readonly foundAt: number;
}

/** The `introspection_endpoint` of an issuer, which is discovered by one request at a time, and at most once in a second. */
export interface EndpointDiscovery {
  /** `now` is in epoch milliseconds. Throws TokenVerificationUnavailableError. */
  readonly find: (now: number) => Promise<DiscoveredEndpoint>;
  /** Forgets an endpoint that cannot be used, so that `find` fetches the metadata again. */
  readonly forget: (endpoint: DiscoveredEndpoint, now: number) => void;
}

export function endpointDiscovery(issuer: string, fetchFunction: FetchLike): EndpointDiscovery {
  let found: DiscoveredEndpoint | undefined;
  let failure: { readonly at: number; readonly reason: string } | undefined;
  let running: Promise<DiscoveredEndpoint> | undefined;

  const discover = async (now: number): Promise<DiscoveredEndpoint> => {
    try {
      found = { url: await discoverUrl(issuer, 'introspection_endpoint', fetchFunction), foundAt: now };
      failure = undefined;
      return found;
    } catch (error) {
      failure = { at: now, reason: `metadata: ${failureOf(error)}` };
      throw new TokenVerificationUnavailableError(failure.reason, REMEDY);
    }
  };

  return {
    async find(now) {
      if (found !== undefined) return found;
      if (running === undefined && failure !== undefined && now - failure.at < PAUSE_MS) {
        throw new TokenVerificationUnavailableError(failure.reason, REMEDY);
      }
      running ??= discover(now).finally(() => {
        running = undefined;
      });
      return running;
    },
    forget(endpoint, now) {
      if (found === endpoint && now - endpoint.foundAt >= PAUSE_MS) found = undefined;
    },
  };
}
