import type { default as Provider } from 'oidc-provider';
import type { Host } from '../network/host.ts';

/** Makes the provider the handler of the host. The provider's promise needs no catch, because it answers its own errors. */
export function serveProvider(host: Host, provider: Provider): void {
  const answer = provider.callback();
  host.serve((request, response) => void answer(request, response));
}
