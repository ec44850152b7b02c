import type { FakeRequest } from '../requests/request-log.ts';
import type { RefusalDetails } from '../hooks/next.ts';

/** A request with its complete body. */
export interface Incoming {
  readonly method: string;
  /** The URL without its query. */
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
  /** The request again, with its body unread. */
  readonly toRequest: () => Request;
}

/** What a request is about. */
export type Facts = Pick<FakeRequest, 'leg' | 'server' | 'principal' | 'parameters'>;

/** One URL of the fake. */
export interface Route {
  /** Reads what the request is about, without verifying it. */
  facts(incoming: Incoming): Facts;
  /** Processes the request. */
  handle(incoming: Incoming): Promise<Response>;
  /** An error answer in the form of this URL. */
  refuse(error: string, details: RefusalDetails): Response;
}

/** A URL and what it serves. */
export type RouteEntry = readonly [url: string, route: Route];
