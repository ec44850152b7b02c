import type { default as Provider } from 'oidc-provider';
import type { Host } from '../network/host.ts';

/** The provider answers at the host. It turns its own failures into answers, so nothing is left to reject. */
export function serveProvider(host: Host, provider: Provider): void {
  const answer = provider.callback();
  host.serve((request, response) => void answer(request, response));
}
