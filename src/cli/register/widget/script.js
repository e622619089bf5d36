define([], function () {
  'use strict';

  // The bridge works on its own; this widget only makes its sources known.
  return function () {
    var agree = function () {
      return true;
    };
    this.callbacks = {
      render: agree,
      init: agree,
      bind_actions: agree,
      settings: agree,
      onSave: agree,
      onInstall: agree,
      onAddAsSource: agree,
      destroy: agree
    };
    return this;
  };
});
