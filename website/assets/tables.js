// A table that is wider than the page is scrolled in a frame, which the theme puts around it: the
// keyboard gets there, too.
document$.subscribe(() => {
  for (const frame of document.querySelectorAll(".md-typeset__scrollwrap")) frame.tabIndex = 0;
});
