import { oauthBrowserAccess } from '@credence/authorization-server';
import type { default as Provider } from 'oidc-provider';
import type { Host } from '../network/host.ts';

/** Makes the provider the handler of the host. The provider's promise needs no catch, because it answers its own errors. */
export function serveProvider(host: Host, provider: Provider): void {
  const answer = provider.callback();
  // protects against DNS rebinding: a web page whose host name resolves to 127.0.0.1 must not reach this server
  const { express: guard } = oauthBrowserAccess({ origins: 'loopback', hosts: 'loopback' });
  const { express: publicDocuments } = oauthBrowserAccess({ origins: '*', hosts: 'loopback' });
  host.serve((request, response) => {
    const check = request.url?.startsWith('/.well-known/') === true ? publicDocuments : guard;
    check(request, response, () => void answer(request, response));
  });
}
