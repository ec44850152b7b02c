const { connectMcp } = require('@credence/sdk-adapter');

async function openIssues(bot) {
  const client = await connectMcp(bot, 'issues');
  const { content } = await client.callTool({ name: 'list_issues', arguments: { status: 'open' } });
  await client.close();
  return content[0].text;
}
module.exports = { openIssues };
