module.exports = { preset: '@credence/testing' };
