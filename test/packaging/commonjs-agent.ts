/**
 * A CommonJS program. `require` gives it LangChain's CommonJS modules, and `@credence/langchain` uses the ES modules of LangChain. Prints the
 * messages of three runs of an agent. `sandboxModule` is the path of the sandbox, which is not installed in the folder of the program.
 */
export const commonJsAgent = (sandboxModule: string): string => `
  const { startSandbox } = require(${JSON.stringify(sandboxModule)});
  const { accessMiddleware, loadTools, refusalOf, ServicePrincipal, stepUpAnswer } = require('@credence/langchain');
  const { AIMessage, HumanMessage, ToolMessage } = require('@langchain/core/messages');
  const { fakeModel } = require('@langchain/core/testing');
  const { Command, MemorySaver } = require('@langchain/langgraph');
  const { createAgent } = require('langchain');

  const call = (name, args = {}) =>
    new AIMessage({ content: '', tool_calls: [{ type: 'tool_call', id: name, name, args }] });
  const script = (first) => fakeModel().respond(first).respond(new AIMessage('done'));
  const input = { messages: [new HumanMessage('report')] };
  const outcome = ({ messages }) => {
    const [answer] = messages.filter((message) => ToolMessage.isInstance(message));
    return [answer.status, refusalOf(answer)?.error.contact, messages.at(-1).text];
  };

  async function main() {
    const sandbox = await startSandbox({ singleUseIdJags: true });
    const bot = ServicePrincipal.fromEnv(sandbox.principals['reporting-bot'].env);
    const loaded = await loadTools(bot, ['issues', 'documents']);
    const { tools } = loaded;

    const plain = createAgent({ model: script(call('issues__list_issues')), tools });
    const answered = outcome(await plain.invoke(input));

    const asking = createAgent({
      model: script(call('issues__create_issue', { title: 't', body: 'b' })),
      middleware: [accessMiddleware({ tools: loaded, approveStepUp: 'interrupt' })],
      checkpointer: new MemorySaver(),
    });
    const config = { configurable: { thread_id: '1' } };
    const [interrupt] = (await asking.invoke(input, config)).__interrupt__;
    const approved = outcome(await asking.invoke(new Command({ resume: stepUpAnswer(interrupt.value, true) }), config));

    sandbox.policy.pauseServer('documents');
    for (const server of Object.values(sandbox.authorizationServers)) server.revokeTokens();
    const refused = outcome(await createAgent({ model: script(call('documents__list_documents')), tools }).invoke(input));

    await loaded.close();
    await bot.close();
    await sandbox.close();
    console.log(JSON.stringify({ answered, approved, refused }));
  }
  void main();
`;
