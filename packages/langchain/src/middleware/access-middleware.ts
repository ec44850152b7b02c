import { type AgentMiddleware, createMiddleware } from 'langchain';
import { Access } from './access.ts';
import { type AccessMiddlewareOptions, accessSettings } from './options.ts';
import { principalState, withPrincipal } from './principal-of-run.ts';
import { offers } from './tools-of-run.ts';

/**
 * Middleware for the access of an agent. A refusal becomes a tool message that says what happened, what to do and who can help: in full
 * once in a run, then briefly. Tools that were refused, or that the rules hide, are not offered and cannot be called. With `tools`, tools
 * that join later are offered, and the model is told which servers are missing. A run that is resumed for another `principal`
 * in its context than before makes no call.
 *
 * Limits. The rules apply to the calls of one agent. The IdP, and `scopes` and `stepUp` in the configuration, decide what the bot
 * may do at all. A rule that throws ends the run, and the call or the step-up does not happen. Every other error has the outcome that
 * it has without this middleware, see `toolErrors`. If every tool is hidden, the model is called without tools. Some providers
 * refuse that in the middle of a conversation. Put it before middleware that selects tools.
 *
 * Throws `invalid_configuration` for invalid options.
 */
export function accessMiddleware(options: AccessMiddlewareOptions = {}): AgentMiddleware {
  const access = new Access(accessSettings(options));
  return createMiddleware({
    name: 'CredenceAccess',
    stateSchema: principalState,
    async wrapModelCall(request, handler) {
      const { runtime, systemMessage } = request;
      const loaded = await access.toolsOf(runtime);
      const offered = offers(request.tools, loaded).filter(({ called }) => !access.isHidden(called, loaded, runtime));
      const missing = loaded?.failuresAsText() ?? '';
      const answer = await handler({
        ...request,
        tools: offered.map((offer) => offer.offered),
        ...(missing !== '' && {
          systemMessage: systemMessage.concat(systemMessage.text === '' ? missing : `\n\n${missing}`),
        }),
      });
      return withPrincipal(answer, request.state, access.principalOf(runtime, loaded));
    },
    wrapToolCall: async (request, handler) =>
      access.handle(request, async (tool) => handler(tool ? { ...request, tool } : request)),
  });
}
